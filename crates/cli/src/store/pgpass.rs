//! Passwords from a file in the form of PostgreSQL's `.pgpass`.

/// What a connection is made to.
#[derive(Clone, Copy, Debug)]
pub(super) struct To<'a> {
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password of the first line that fits.
pub(super) fn find(text: &str, to: To<'_>) -> Option<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(fields)
        .find_map(|fields| match <[String; 5]>::try_from(fields) {
            Ok([host, port, database, user, password]) => {
                let fits = |field: &str, value: &str| field == "*" || field == value;
                let all = fits(&host, to.host)
                    && fits(&port, to.port)
                    && fits(&database, to.database)
                    && fits(&user, to.user);
                all.then_some(password)
            }
            Err(_) => None,
        })
}

/// The parts of a line; `\` takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let next = match character {
            '\\' => characters.next(),
            // The password is the rest.
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                None
            }
            other => Some(other),
        };
        if let Some(last) = fields.last_mut() {
            last.extend(next);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_is_taken() {
        let text = "# db:5432:*:*:comment\n\
                    broken\n\
                    db:5432:state:keeper:one\n\
                    db:*:*:keeper:t\\:w\\\\o:\n\
                    *:*:*:*:any\n";
        let to = To {
            host: "db",
            port: "5432",
            database: "state",
            user: "keeper",
        };
        assert_eq!(find(text, to).as_deref(), Some("one"));
        let other = To { port: "1", ..to };
        assert_eq!(find(text, other).as_deref(), Some("t:w\\o:"));
        let other = To { user: "you", ..to };
        assert_eq!(find(text, other).as_deref(), Some("any"));
        assert_eq!(find("db:5432:state:keeper", to), None);
    }
}
