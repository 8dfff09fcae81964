//! Credentials, routes, the switches of the twin.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use access_tokens::Secret;
use access_tokens_testing::query_server::{CreateTokenOption, Operation, Seed};
use access_tokens_testing::{Fault, QueryServer};
use serde_json::{Value, json};

use super::{Setup, claims, read, reply};

#[tokio::test]
async fn every_trouble_with_the_credential_is_an_empty_401() {
    let it = Setup::new().await;
    let admin = it.twin.credential();
    let admin = admin.expose_secret();
    for scheme in ["Bearer", "bearer", "Token", "Basic", ""] {
        let header = format!("{scheme} {admin}");
        // A leading space does not survive HTTP, so that the empty scheme fails.
        let expected = if scheme.is_empty() { 401 } else { 200 };
        assert_eq!(it.with_header(&[&header]).await.0, expected, "{scheme}");
    }
    let good = format!("Bearer {admin}");
    assert_eq!(it.with_header(&[&format!("{good} and more")]).await.0, 200);
    assert_eq!(it.with_header(&[&good, "Bearer x"]).await.0, 200);

    it.post(json!({"name": "made"})).await;
    let (alive, made) = it.alive("made").await;
    assert!(alive);
    let (signed, _) = admin.rsplit_once('.').unwrap();
    let refused = [
        vec![],
        vec![admin.to_owned()],
        vec!["Bearer".to_owned()],
        vec![format!("Bearer  {admin}")],
        vec![format!("Bearer\t{admin}")],
        vec![format!("Bearer \"{admin}\"")],
        vec!["Bearer é".to_owned()],
        vec!["Bearer x".to_owned(), good.clone()],
        vec![format!("Bearer {signed}.AAAA")],
        vec![format!("Bearer {made}")],
    ];
    for headers in &refused {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        assert_eq!(
            it.with_header(&headers).await,
            reply(401, ""),
            "{headers:?}"
        );
    }
    // The credential is looked at before the body and the query.
    let bad = [format!("Bearer {made}")];
    for (method, path) in [
        ("POST", "/_/token"),
        ("PUT", "/_/token"),
        ("DELETE", "/_/token"),
        ("GET", "/_/token/value"),
    ] {
        let response = it.send(method, path, &[&bad[0]], "{").await;
        assert!(!response.headers().contains_key("www-authenticate"));
        assert_eq!(read(response).await, reply(401, ""));
    }
}

#[tokio::test]
async fn another_server_secret_ends_all_tokens() {
    let it = Setup::new().await;
    let seeded = it.twin.seed(Seed::new("seeded"));
    assert!(seeded.alive);
    it.twin.rotate_server_secret();
    assert_eq!(it.call("GET", "/_/token", "").await, reply(401, ""));
    assert!(!it.twin.authenticates(&seeded.secret) && !it.twin.tokens()[0].alive);
    it.twin.restore_server_secret();
    assert_eq!(it.list().await.len(), 1);
    assert!(it.twin.authenticates(&seeded.secret) && it.twin.authenticates(&it.twin.credential()));
}

#[tokio::test]
async fn routes_are_matched_by_segments() {
    let it = Setup::new().await;
    for path in ["/_/token", "/_/token/", "//_//token"] {
        assert_eq!(it.call("GET", path, "").await.0, 200, "{path}");
    }
    let lost = reply(404, "404 Not Found");
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/token"),
        ("GET", "/_/Token"),
        ("GET", "/_/%74oken"),
        ("GET", "/_/token/value/x"),
        ("GET", "/_/token/name"),
        ("POST", "/_/token/value"),
        ("PATCH", "/_/token"),
        ("OPTIONS", "/_/token"),
        ("BREW", "/_/token"),
        ("GET", "/_/user-token/value"),
    ] {
        let answer = read(it.send(method, path, &[], "").await).await;
        assert_eq!(answer, lost, "{method} {path}");
    }
    let head = it.send("HEAD", "/_/token", &[], "").await;
    assert_eq!(head.status(), 404);
    assert_eq!(head.headers()["content-length"], "13");
    for (method, path) in [
        ("GET", "/_/healthcheck"),
        ("POST", "/_/healthcheck"),
        ("BREW", "/_/healthcheck/"),
        ("DELETE", "/_//healthcheck/anything/below"),
    ] {
        let health = read(it.send(method, path, &[], "").await).await;
        assert_eq!(health, reply(200, "OK"), "{method} {path}");
    }
    let near = read(it.send("GET", "/_/healthchecks", &[], "").await).await;
    assert_eq!(near, lost);
}

/// Below reqwest; a twin that wrongly keeps the connection open fails the test.
fn connect(it: &Setup) -> TcpStream {
    let address = it.twin.base_url().replace("http://", "");
    let stream = TcpStream::connect(address).unwrap();
    let limit = Some(Duration::from_secs(5));
    stream.set_read_timeout(limit).unwrap();
    stream
}

#[tokio::test]
async fn the_root_closes_without_an_answer_and_the_server_lives_on() {
    let it = Setup::new().await;
    for path in ["/_", "/_/"] {
        let mut stream = connect(&it);
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.is_empty());
    }
    assert_eq!(it.call("GET", "/_/token", "").await.0, 200);
}

#[tokio::test]
async fn raw_bytes_in_the_target_and_overlong_targets_are_refused_by_the_protocol() {
    let it = Setup::new().await;
    let mut stream = connect(&it);
    stream
        .write_all(b"GET /_/token/value?name=\xff HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("content-length: 0"), "{answer}");
    assert!(answer.contains("\r\ndate: "), "{answer}");
    assert_eq!(
        it.value(&format!("?name={}", "x".repeat(60_000))).await,
        None
    );
    let mut stream = connect(&it);
    let name = "x".repeat(66_000);
    write!(stream, "GET /?name={name} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = [0; 13];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 414 ");
}

#[tokio::test]
async fn the_option_switches_tokens_and_login_off() {
    let it = Setup::new().await;
    let seeded = it.twin.seed(Seed::new("seeded"));
    let routes = [
        ("GET", "/_/token"),
        ("GET", "/_/token/value?name=seeded"),
        ("POST", "/_/token"),
        ("PUT", "/_/token"),
        ("DELETE", "/_/token"),
        ("POST", "/_/user/token/value"),
    ];
    for (option, expected) in [
        (CreateTokenOption::Off, reply(404, "404 Not Found")),
        (
            CreateTokenOption::Invalid,
            reply(500, "Internal Server Error"),
        ),
    ] {
        it.twin.set_create_token(option);
        for (method, path) in routes {
            // Before the credential is looked at.
            let answer = read(it.send(method, path, &[], "").await).await;
            assert_eq!(answer, expected, "{method} {path}");
            assert_eq!(it.call(method, path, "").await, expected);
        }
    }
    assert!(it.twin.authenticates(&seeded.secret));
    it.twin.set_create_token(CreateTokenOption::On);
    assert_eq!(it.list().await.len(), 1);
}

#[tokio::test]
async fn a_locked_database_refuses_writes_with_400() {
    let it = Setup::new().await;
    it.twin.seed(Seed::new("a"));
    it.twin.lock_database(3);
    let locked = reply(400, "database is locked");
    assert_eq!(it.post(json!({"name": "b"})).await, locked);
    // Turned down before the lock is needed.
    assert_eq!(
        it.put(json!({"name": "x"})).await.1,
        "Query returned no rows"
    );
    assert_eq!(
        it.post(json!({"name": "b", "expiration_date": 0})).await.0,
        400
    );
    assert_eq!(it.put(json!({"name": "a"})).await, locked);
    assert_eq!(it.list().await.len(), 1);
    assert_eq!(it.delete(json!({"name": "x"})).await, locked);
    assert_eq!(it.post(json!({"name": "b"})).await, reply(201, ""));
    assert_eq!(it.list().await[1]["id"], 2);
}

#[tokio::test]
async fn a_second_between_two_clocks_makes_a_token_dead_on_arrival() {
    let it = Setup::new().await;
    it.twin.dead_on_arrival(1);
    // One with an end of its own is not hit.
    it.post(json!({"name": "safe", "expiration_date": i64::MAX}))
        .await;
    assert_eq!(it.post(json!({"name": "dead"})).await, reply(201, ""));
    it.post(json!({"name": "next"})).await;
    let rows = it.list().await;
    let end = rows[1]["expiration_date"].as_i64().unwrap();
    assert_eq!(rows[1]["updated_at"], end + 1);
    assert!(end <= it.twin.now());
    let alive: Vec<bool> = it.twin.tokens().iter().map(|token| token.alive).collect();
    assert_eq!(alive, [true, false, true]);
}

#[tokio::test]
async fn the_admins_token_can_be_had_by_login() {
    let it = Setup::new().await;
    let login = async |body: Value| {
        let text = body.to_string();
        read(it.send("POST", "/_/user/token/value", &[], &text).await).await
    };
    let token = it.twin.credential();
    let expected = json!({"data": [{"token": token.expose_secret()}]}).to_string();
    let right = json!({"email": "admin@example.com", "password": "password"});
    assert_eq!(login(right).await, reply(200, &expected));
    let wrong = json!({"email": "admin@example.com", "password": "guess"});
    let text = "The email or password is not correct.";
    assert_eq!(login(wrong).await, reply(400, text));
    assert_eq!(login(json!({"email": "x"})).await.0, 400);
    assert_eq!(claims(token.expose_secret())["iss"], "user_token");
}

#[tokio::test]
async fn odd_rows_can_be_seeded() {
    let it = Setup::new().await;
    let seed = Seed::new("sql").created_at(None).updated_at(None);
    assert!(
        !it.twin
            .seed(seed.fractional_expiration_date(4e9 + 0.5))
            .alive
    );
    let dead = Seed::new("rotated").expiration_date(i64::MAX).issued_at(1);
    assert!(!it.twin.seed(dead).alive);
    let foreign = Seed::new("foreign")
        .secret(Secret::new("abc"))
        .active(false)
        .write(false);
    it.twin.seed(foreign);
    let rows = it.list().await;
    assert_eq!(rows[0]["created_at"], Value::Null);
    assert_eq!(rows[0]["updated_at"], Value::Null);
    assert_eq!(rows[0]["expiration_date"], json!(4e9 + 0.5));
    assert_eq!(claims(rows[1]["token"].as_str().unwrap())["iat"], 1);
    assert_eq!(it.value("?name=foreign").await.unwrap(), "abc");
    assert_eq!(it.put(json!({"name": "sql"})).await.0, 400);
    let whole = json!({"name": "sql", "expiration_date": 1});
    assert_eq!(it.put(whole).await, reply(400, "Invalid type"));
    // Nothing came of it.
    assert_eq!(it.list().await[0]["expiration_date"], json!(4e9 + 0.5));
}

#[tokio::test]
async fn numbers_out_of_range_are_quoted_as_the_server_writes_them() {
    let it = Setup::new().await;
    for (number, quoted) in [
        ("1e22", "floating point `1e22`"),
        ("10000000000000000000000", "floating point `1e22`"),
        ("1.5E+300", "floating point `1.5e300`"),
        ("-1e-7", "floating point `-1e-7`"),
        ("2e9", "floating point `2000000000.0`"),
        ("1e15", "floating point `1000000000000000.0`"),
        ("1e16", "floating point `1e16`"),
        ("0.00001", "floating point `0.00001`"),
        ("0.000001", "floating point `1e-6`"),
        ("18446744073709551615", "integer `18446744073709551615`"),
    ] {
        let body = format!(r#"{{"name":"x","expiration_date":{number}}}"#);
        let kind = if quoted.starts_with('i') {
            "value"
        } else {
            "type"
        };
        let column = body.len() - 1;
        let text = format!("invalid {kind}: {quoted}, expected i64 at line 1 column {column}");
        for method in ["POST", "PUT"] {
            let answer = it.call(method, "/_/token", &body).await;
            assert_eq!(answer, reply(400, &text), "{method} {number}");
        }
    }
    // A text that looks like one is quoted to the letter.
    let body = r#"{"name":"x","expiration_date":"floating point `1e+22`"}"#;
    let told = it.call("POST", "/_/token", body).await.1;
    assert!(told.contains("`1e+22`"), "{told}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_500_where_it_is_read() {
    let it = Setup::new().await;
    let admin = it.twin.credential();
    for (method, authorization, expected) in [
        ("POST", admin.expose_secret(), "500 "),
        ("DELETE", admin.expose_secret(), "500 "),
        // Refused before the body is read.
        ("POST", "wrong", "401 "),
        // Never read.
        ("GET", admin.expose_secret(), "200 "),
    ] {
        let mut stream = connect(&it);
        write!(
            stream,
            "{method} /_/token HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {authorization}\r\n\
             transfer-encoding: chunked\r\n\r\nnot a size\r\n{{}}\r\n0\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.get(9..13), Some(expected), "{method}: {answer}");
        assert_eq!(
            answer.ends_with("\r\n\r\nInternal Server Error"),
            expected == "500 "
        );
    }
    assert!(it.twin.tokens().is_empty());
}

#[tokio::test]
async fn tokens_of_the_table_may_query_and_so_are_seen_to_work() {
    let it = Setup::new().await;
    let token = async |name: &str| it.value(&format!("?name={name}")).await.unwrap();
    it.post(json!({"name": "writer"})).await;
    it.post(json!({"name": "reader", "write": false})).await;
    it.post(json!({"name": "off", "active": false})).await;
    it.post(json!({"name": "rotated"})).await;
    it.clock.advance(Duration::from_secs(2));
    it.put(json!({"name": "rotated"})).await;
    let query = async |secret: &str, db: &str, sql: &str| {
        let header = format!("Bearer {secret}");
        let body = json!({"db_name": db, "query": sql}).to_string();
        read(it.send("POST", "/_/query", &[&header], &body).await).await
    };
    let (writer, reader) = (token("writer").await, token("reader").await);
    let admin = it.twin.credential();
    let (select, insert) = ("select 1", "INSERT INTO t VALUES (1)");
    let found = reply(200, r#"{"data":[]}"#);
    let inserted = reply(200, r#"{"data":[{"rowid":1,"success":true}]}"#);
    let done = reply(200, r#"{"data":[{"changes":0,"success":true}]}"#);
    let read_only = "Token without write permission tried to write to the database";
    let config = "Can't query the config database without being admin";
    assert_eq!(query(&writer, "db", select).await, found);
    assert_eq!(query(&reader, "db", select).await, found);
    assert_eq!(query(&writer, "db", insert).await, inserted);
    assert_eq!(query(&writer, "db", "DELETE FROM t").await, done);
    assert_eq!(query(&reader, "db", insert).await, reply(400, read_only));
    let answer = query(&writer, "query_config.sql", select).await;
    assert_eq!(answer, reply(400, config));
    let answer = query(admin.expose_secret(), "query_config.sql", select).await;
    assert_eq!(answer, found);
    // An admin may do both, and whoever is not let in nothing, whatever they ask for.
    for dead in [token("off").await, token("rotated").await, "no".to_owned()] {
        assert_eq!(query(&dead, "db", insert).await, reply(401, ""));
        let header = format!("Bearer {dead}");
        let answer = read(it.send("POST", "/_/query", &[&header], "{").await).await;
        assert_eq!(answer, reply(401, ""));
    }

    let writer = format!("Bearer {writer}");
    for (method, rest, body, expected) in [
        ("GET", "?db_name=db&query=SELECT+1", "", found),
        ("GET", "", "", reply(400, "Missing query string")),
        (
            "GET",
            "?query=x",
            "",
            reply(400, "Missing query string: db_name"),
        ),
        (
            "GET",
            "?db_name=x",
            "",
            reply(400, "Missing query string: query"),
        ),
        (
            "GET",
            "?db_name=x&query=DROP",
            "",
            reply(400, "GET requests only allows read queries"),
        ),
        ("POST", "", "", reply(400, "The body is empty")),
        ("POST", "", "{", reply(500, "Internal Server Error")),
        ("PUT", "", "{}", reply(404, "404 Not Found")),
        ("POST", "/below", "{}", reply(404, "404 Not Found")),
    ] {
        let path = format!("/_/query{rest}");
        let answer = read(it.send(method, &path, &[&writer], body).await).await;
        assert_eq!(answer, expected, "{method} {path}");
    }
    // The option is about managing tokens.
    it.twin.set_create_token(CreateTokenOption::Off);
    let path = "/_/query?db_name=db&query=SELECT+1";
    assert_eq!(
        read(it.send("GET", path, &[&writer], "").await).await.0,
        200
    );
}

#[tokio::test]
async fn twins_are_apart_record_what_came_and_follow_a_script() {
    let (it, other) = (Setup::new().await, Setup::new().await);
    it.post(json!({"name": "a"})).await;
    assert!(other.twin.tokens().is_empty() && other.twin.requests().is_empty());
    let requests = it.twin.requests();
    assert_eq!(requests[0].json().unwrap()["name"], "a");
    it.twin
        .on(Operation::Create)
        .nth(2)
        .then(Fault::Status(503));
    assert_eq!(it.post(json!({"name": "b"})).await.0, 201);
    assert_eq!(it.list().await.len(), 2);
    assert_eq!(it.post(json!({"name": "c"})).await.0, 503);
    // What one twin made means nothing to another.
    assert!(!other.twin.authenticates(&it.twin.credential()));
    assert_eq!(QueryServer::start().await.unwrap().tokens(), []);
}
