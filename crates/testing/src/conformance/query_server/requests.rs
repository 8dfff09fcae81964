//! How requests are read and answered.

use http::Method;
use serde_json::{Value, json};

use super::{Suite, TOKENS, ensure_empty};
use crate::conformance::problem::{Problem, Verdict, ensure, passed};
use crate::conformance::wire::Plain;
use access_tokens::UnixSeconds;
use access_tokens::query_server::{Created, TokenBody};

impl Suite {
    pub(super) async fn create_says_201_and_nothing_else(&self) -> Verdict {
        let name = self.name();
        let reply = self.post(&json!({"name": name})).await?.with_status(201)?;
        ensure_empty(&reply)?;
        self.row(&name).await?;
        passed()
    }

    pub(super) async fn create_of_a_taken_name_changes_nothing(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let name = &new.token().name;
        let before = self.plain_row(name).await?;
        let other = json!({"name": name, "write": false, "active": false});
        let reply = self.post(&other).await?.with_status(201)?;
        ensure_empty(&reply)?;
        ensure(self.plain_row(name).await? == before, "the row was changed")?;
        let again = self.client.create(TokenBody::builder(name)).await?;
        ensure(
            matches!(again, Created::AlreadyExists(_)),
            "the client sees a new token",
        )?;
        passed()
    }

    pub(super) async fn create_of_an_empty_name_stores_nothing(&self) -> Verdict {
        let reply = self.post(&json!({"name": ""})).await?.with_status(201)?;
        ensure_empty(&reply)?;
        let rows = self.client.list().await?.data;
        let stored = rows.iter().any(|token| token.name.is_empty());
        ensure(!stored, "a token without a name is listed")?;
        passed()
    }

    pub(super) async fn answers_have_no_content_type(&self) -> Verdict {
        let name = self.name();
        let value = format!("/_/token/value?name={}", form(&name));
        for (plain, status) in [
            (
                Plain::new(Method::POST, TOKENS).json(&json!({"name": name})),
                201,
            ),
            (Plain::get(TOKENS), 200),
            (Plain::get(&value), 200),
            (Plain::get("/_/token/value"), 400),
            (Plain::get(TOKENS).unauthorized(), 401),
            (Plain::get("/_/token/conformance"), 404),
        ] {
            let reply = self.wire.send(plain).await?.with_status(status)?;
            let typed = reply.header("content-type").is_some();
            ensure(!typed, format_args!("a {status} has a content type"))?;
        }
        passed()
    }

    pub(super) async fn the_list_shows_whole_secrets(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let row = self.row(&new.token().name).await?;
        let value = self.client.value(&new.token().name).await?;
        ensure(
            row.secret() == Some(&value),
            "the list shows something else",
        )?;
        ensure(
            value.expose_secret().matches('.').count() == 2,
            "the secret is no JWT",
        )?;
        ensure(*new.secret() == value, "the secret changed by itself")?;
        passed()
    }

    pub(super) async fn flags_are_listed_as_0_and_1(&self) -> Verdict {
        for (flag, number) in [(true, 1), (false, 0)] {
            let name = self.name();
            let body = json!({"name": name, "active": flag, "write": flag});
            self.post(&body).await?.with_status(201)?;
            let row = self.plain_row(&name).await?;
            for member in ["active", "write"] {
                let as_number = row.get(member) == Some(&json!(number));
                ensure(as_number, format_args!("{member} is not {number}"))?;
            }
        }
        passed()
    }

    pub(super) async fn the_value_of_an_unknown_name_is_an_empty_list(&self) -> Verdict {
        let unknown = format!("name={}", form(&self.name()));
        for query in [&unknown, "name=", "name"] {
            let path = format!("/_/token/value?{query}");
            let reply = self.wire.send(Plain::get(&path)).await?.with_status(200)?;
            let empty = reply.json()? == json!({"data": []});
            ensure(empty, "something else came")?;
        }
        let exists = self.client.exists(&self.name()).await?;
        ensure(!exists, "the client takes it for there")?;
        passed()
    }

    pub(super) async fn the_value_needs_a_name(&self) -> Verdict {
        for (path, text) in [
            ("/_/token/value", "Missing query string"),
            ("/_/token/value?NAME=x", "Missing query string: name"),
        ] {
            self.wire
                .send(Plain::get(path))
                .await?
                .expect_text(400, text)?;
        }
        passed()
    }

    pub(super) async fn a_plus_is_a_space(&self) -> Verdict {
        let (spaced, plussed) = (self.name(), self.name().replace(' ', "+"));
        self.note(plussed.clone());
        for name in [&spaced, &plussed] {
            self.post(&json!({"name": name})).await?.with_status(201)?;
        }
        for (name, written) in [
            (&spaced, spaced.replace(' ', "+")),
            (&spaced, spaced.replace(' ', "%20")),
            (&plussed, plussed.replace('+', "%2B")),
        ] {
            let found = self.plain_value(&format!("name={written}")).await?;
            let meant = self.client.value(name).await?;
            let same = found.as_deref() == Some(meant.expose_secret());
            ensure(same, "another name is found, or none")?;
        }
        passed()
    }

    pub(super) async fn of_two_names_the_last_counts(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let name = form(&new.token().name);
        let last = self.plain_value(&format!("name=x&name={name}")).await?;
        ensure(last.is_some(), "the last one does not count")?;
        let first = self.plain_value(&format!("name={name}&name=x")).await?;
        ensure(first.is_none(), "the first one counts")?;
        passed()
    }

    pub(super) async fn names_are_taken_to_the_letter(&self) -> Verdict {
        let base = self.name();
        let variants = [
            base.to_uppercase(),
            format!(" {base}"),
            format!("{base} "),
            // The same letter, composed and not.
            format!("{base}\u{e9}"),
            format!("{base}e\u{301}"),
            format!("{base}'; --%"),
        ];
        for name in variants.iter().chain([&base]) {
            self.note(name.clone());
            let _ = self.create(TokenBody::builder(name)).await?;
        }
        for name in variants.iter().chain([&base]) {
            ensure(self.row(name).await?.name == *name, "a name is another")?;
            self.client.value(name).await?;
        }
        passed()
    }

    pub(super) async fn request_types_are_strict(&self) -> Verdict {
        let name = self.name();
        for (what, body) in [
            (
                "a float as end",
                json!({"name": name, "expiration_date": 4e9}),
            ),
            (
                "a string as end",
                json!({"name": name, "expiration_date": "4000000000"}),
            ),
            (
                "an end beyond 64 bits",
                json!({"name": name, "expiration_date": u64::MAX}),
            ),
            ("0 as flag", json!({"name": name, "active": 0})),
            ("1 as flag", json!({"name": name, "write": 1})),
            ("a string as flag", json!({"name": name, "write": "true"})),
            ("a number as name", json!({"name": 1})),
            ("null as name", json!({"name": null})),
            ("no name", json!({"active": true})),
            ("null", Value::Null),
            ("a short array", json!([name])),
        ] {
            for method in [Method::POST, Method::PUT] {
                let status = self.write(method.clone(), &body).await?.status;
                ensure(
                    status == 400,
                    format_args!("{method} with {what}: {status}"),
                )?;
            }
        }
        let twice = format!(r#"{{"name":"{name}","name":"{name}"}}"#);
        for body in [twice.as_str(), "{", "no JSON", "{} {}"] {
            let plain = Plain::new(Method::POST, TOKENS).body(body);
            self.wire.send(plain).await?.with_status(400)?;
        }
        let none = Plain::new(Method::POST, TOKENS);
        self.wire
            .send(none)
            .await?
            .expect_text(400, "The body is empty")?;
        ensure(!self.client.exists(&name).await?, "one of them was stored")?;
        passed()
    }

    pub(super) async fn nulls_count_as_absent(&self) -> Verdict {
        let name = self.name();
        let body = json!({"name": name, "expiration_date": null, "active": null, "write": null});
        self.post(&body).await?.with_status(201)?;
        let row = self.row(&name).await?;
        ensure(row.is_active() && row.can_write(), "a flag is not true")?;
        ensure(row.expires().is_never(), "it has an end")?;
        passed()
    }

    pub(super) async fn unknown_members_are_ignored(&self) -> Verdict {
        let name = self.name();
        let body = json!({"name": name, "expirationDate": 1, "token": "t", "id": -1});
        self.post(&body).await?.with_status(201)?;
        let row = self.row(&name).await?;
        ensure(row.id.is_some_and(|id| id > 0), "the id was taken")?;
        let taken = row
            .secret()
            .is_some_and(|secret| secret.expose_secret() == "t");
        ensure(!taken, "the secret was taken")?;
        passed()
    }

    pub(super) async fn arrays_are_read_by_position(&self) -> Verdict {
        let name = self.name();
        let end = 4_102_444_800_i64;
        self.post(&json!([name, end, true, false]))
            .await?
            .with_status(201)?;
        let row = self.row(&name).await?;
        let fits = row.is_active()
            && !row.can_write()
            && row.expiration_date == Some(UnixSeconds::new(end));
        ensure(fits, "the values are at other places")?;
        self.write(Method::DELETE, &json!([name]))
            .await?
            .with_status(200)?;
        ensure(
            !self.client.exists(&name).await?,
            "delete does not read one",
        )?;
        passed()
    }

    pub(super) async fn the_content_type_of_requests_does_not_matter(&self) -> Verdict {
        for kind in [
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            None,
        ] {
            let name = self.name();
            let body = json!({"name": name}).to_string();
            let mut plain = Plain::new(Method::POST, TOKENS).body(body);
            if let Some(kind) = kind {
                plain = plain.header("content-type", kind);
            }
            self.wire.send(plain).await?.with_status(201)?;
            self.row(&name).await?;
        }
        passed()
    }

    pub(super) async fn control_bytes_vanish(&self) -> Verdict {
        let name = self.name();
        let torn = name.replacen(' ', "\n \t", 1);
        let plain = Plain::new(Method::POST, TOKENS);
        let plain = plain.body(format!("{{\r\n\"name\": \"{torn}\"\n}}"));
        self.wire.send(plain).await?.with_status(201)?;
        self.row(&name).await?;
        passed()
    }

    /// The secret that a query finds.
    async fn plain_value(&self, query: &str) -> Result<Option<String>, Problem> {
        let path = format!("/_/token/value?{query}");
        let found = self
            .wire
            .send(Plain::get(&path))
            .await?
            .with_status(200)?
            .json()?;
        let secret = found.pointer("/data/0/token").and_then(Value::as_str);
        Ok(secret.map(str::to_owned))
    }
}

/// As it stands in a query.
fn form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
