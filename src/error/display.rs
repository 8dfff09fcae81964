//! What an error says.

use std::fmt;

use super::Error;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        write!(f, "{}", inner.service)?;
        if let Some(operation) = inner.operation {
            write!(f, " {operation}")?;
        }
        write!(f, ": {}", inner.kind.text())?;
        if let Some(field) = inner.field {
            write!(f, ": {field}")?;
        }
        if let Some(cause) = inner.cause {
            write!(f, ": {}", cause.text())?;
        }
        if let Some(reason) = &inner.reason {
            write!(f, ": {reason}")?;
        }
        let mut facts = Vec::new();
        if let Some(status) = inner.status {
            facts.push(match &inner.code {
                Some(code) => format!("{} {code}", status.as_u16()),
                None => status.as_u16().to_string(),
            });
        }
        let words = inner.message.iter().chain(&inner.details);
        facts.extend(words.map(|words| format!("\"{words}\"")));
        let id = inner.request_id.iter();
        facts.extend(id.map(|id| format!("request id {id}")));
        if inner.attempts > 1 {
            facts.push(format!("{} attempts", inner.attempts));
        }
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("service", &inner.service.name())
            .field("kind", &inner.kind);
        macro_rules! given {
            ($($name:ident),+) => {$(
                if let Some(value) = &inner.$name {
                    out.field(stringify!($name), value);
                }
            )+};
        }
        given!(
            cause,
            operation,
            status,
            code,
            message,
            request_id,
            retry_after,
            field,
            reason
        );
        if !inner.details.is_empty() {
            out.field("details", &inner.details);
        }
        out.field("attempts", &inner.attempts)
            .field("may_have_been_sent", &inner.may_have_been_sent)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::error::ErrorKind;
    use crate::id::Service;

    #[test]
    fn display_is_one_line_with_what_is_known() {
        let error = Error::of_kind(Service::LAUNCH_DARKLY, ErrorKind::NotFound)
            .with_operation("getToken")
            .with_status(StatusCode::NOT_FOUND)
            .with_server_words(
                Some("not_found".into()),
                Some("no such token".into()),
                Vec::new(),
            )
            .with_request_id(Some("r-1".into()));
        assert_eq!(
            error.to_string(),
            "LaunchDarkly getToken: not found (404 not_found, \"no such token\", request id r-1)"
        );
    }
}
