//! The endpoint that the tokens are for: `/_/query`.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::request::Refusal;
use super::request::{in_query, parse_or};
use super::state::Caller;
use crate::message::{Answer, Received};

/// The database of the tokens themselves.
pub(super) const CONFIG_DATABASE: &str = "query_config.sql";

// The name of this type is part of the server's error texts.
#[derive(Deserialize)]
struct QueryOptions {
    db_name: String,
    query: String,
}

/// Answers a query of a caller that was let in. No SQL is run: a query that reads finds nothing, and
/// one that writes changes nothing.
pub(super) fn answer(caller: Caller, request: &Received) -> Result<Answer, Refusal> {
    let options = if request.method == Method::GET {
        QueryOptions {
            db_name: in_query(request, "db_name")?,
            query: in_query(request, "query")?,
        }
    } else {
        // Here, other than at the tokens, JSON that does not fit is the server's own fault.
        parse_or(request, |_| Refusal::Internal)?
    };
    let reads = reads(&options.query);
    if !reads && !caller.may_write {
        let text = "Token without write permission tried to write to the database";
        return Err(Refusal::bad_request(text));
    }
    if options.db_name == CONFIG_DATABASE && !caller.is_admin {
        let text = "Can't query the config database without being admin";
        return Err(Refusal::bad_request(text));
    }
    if !reads && request.method == Method::GET {
        return Err(Refusal::bad_request(
            "GET requests only allows read queries",
        ));
    }
    let rows = if reads {
        json!([])
    } else if options.query.starts_with("INSERT") {
        json!([{ "success": true, "rowid": 1 }])
    } else {
        json!([{ "success": true, "changes": 0 }])
    };
    Ok(Answer::json_untyped(200, &json!({ "data": rows })))
}

/// By how it begins; the server looks a little closer at what is recursive.
fn reads(query: &str) -> bool {
    let begins = |word: &str| {
        let start = query.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    begins("SELECT") || begins("WITH RECURSIVE")
}
