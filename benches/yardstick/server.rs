//! A server that answers what the services would, and does nothing else: in a process of its own, so
//! that what it costs is not taken for the client's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// Another address for each size of an account and each latency.
const LISTENERS: [(usize, Duration); 4] = [
    (300_000, Duration::ZERO),
    (100_000, Duration::ZERO),
    (20_000, Duration::ZERO),
    (5_000, Duration::from_millis(20)),
];

/// The addresses of a server, and its process, which ends with this.
#[allow(dead_code, reason = "not every measurement needs all")]
pub(crate) struct Server {
    process: Option<(Child, ChildStdin)>,
    /// 300,000 tokens in each service.
    pub(crate) huge: String,
    /// 100,000 tokens in each service.
    pub(crate) large: String,
    /// 20,000 tokens in each service.
    pub(crate) list: String,
    /// 5,000 tokens in each service, and every answer takes 20 ms.
    pub(crate) slow: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut urls = output.lines().map(Result::unwrap);
        let mut next = || urls.next().unwrap();
        Self {
            huge: next(),
            large: next(),
            list: next(),
            slow: next(),
            process: process.stdin.take().map(|input| (process, input)),
        }
    }

    /// The server of another process.
    #[allow(dead_code, reason = "not every measurement needs all")]
    pub(crate) fn at(large: &str, list: &str) -> Self {
        Self {
            huge: String::new(),
            large: large.to_owned(),
            list: list.to_owned(),
            slow: String::new(),
            process: None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((mut process, input)) = self.process.take() {
            // The end of its standard input ends the process.
            drop(input);
            process.wait().unwrap();
        }
    }
}

/// The process: answers until its standard input ends.
pub(crate) fn serve() {
    for (tokens, latency) in LISTENERS {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    // A client that goes away ends its thread.
                    let _ = connection(&stream, tokens, latency);
                });
            }
        });
    }
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn connection(mut stream: &TcpStream, tokens: usize, latency: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut answer) = (String::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let request = line.clone();
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or_default();
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        if !latency.is_zero() {
            std::thread::sleep(latency);
        }
        answer.clear();
        render(&request, tokens, &mut answer);
        stream.write_all(&answer)?;
    }
}

fn render(request: &str, tokens: usize, out: &mut Vec<u8>) {
    let mut words = request.split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let number = |name: &str| {
        let of = |pair: &str| {
            pair.strip_prefix(name)?
                .strip_prefix('=')?
                .parse::<usize>()
                .ok()
        };
        query.split('&').find_map(of)
    };
    let mut body = Vec::new();
    match (method, path) {
        ("GET", "/api/v2/tokens") => {
            let (limit, offset) = (number("limit").unwrap_or(25), number("offset").unwrap_or(0));
            launchdarkly_page(&mut body, tokens, limit, offset);
        }
        ("GET", "/_/token") => query_server_list(&mut body, tokens),
        ("GET", "/sts/v1/personal-access-tokens") => avisi_cloud_list(&mut body, tokens),
        ("POST", _) => launchdarkly_token(&mut body, 7, "api-00000000-1111-4222-8333-444444444444"),
        _ => launchdarkly_token(&mut body, 7, "4444"),
    }
    let status = if method == "POST" {
        "201 Created"
    } else {
        "200 OK"
    };
    // The headers that the service sends, with limits that do not make anybody wait.
    write!(
        out,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         date: Wed, 01 Oct 2025 10:00:00 GMT\r\ncache-control: no-cache, no-store\r\n\
         x-ratelimit-global-remaining: 1499999\r\nx-ratelimit-route-limit: 1500000\r\n\
         x-ratelimit-route-remaining: 1499998\r\nx-ratelimit-reset: 1759312810000\r\n\
         x-request-id: 0a1b2c3d-0000-4000-8000-000000000000\r\nvary: Origin\r\n\r\n",
        body.len()
    )
    .unwrap();
    out.extend_from_slice(&body);
}

fn launchdarkly_token(out: &mut Vec<u8>, n: usize, secret: &str) {
    write!(
        out,
        r#"{{"_id":"66aa10f2c4d5e600{n:08x}","ownerId":"65f0c2a19d3b4e0012ab0001","memberId":"65f0c2a19d3b4e0012ab{:04x}","_member":{{"_links":{{"parent":{{"href":"/api/v2/members","type":"application/json"}},"self":{{"href":"/api/v2/members/65f0c2a19d3b4e0012ab{0:04x}","type":"application/json"}}}},"_id":"65f0c2a19d3b4e0012ab{0:04x}","firstName":"Robin","lastName":"Doe","role":"writer","email":"robin.{0}@example.com"}},"name":"nightly export {n}","description":"Copies the audit log to cold storage.","creationDate":1759312800123,"lastModified":1759485600789,"customRoleIds":[],"inlineRole":[],"role":"reader","token":"{secret}","serviceToken":false,"_links":{{"parent":{{"href":"/api/v2/tokens","type":"application/json"}},"self":{{"href":"/api/v2/tokens/66aa10f2c4d5e600{n:08x}","type":"application/json"}}}},"defaultApiVersion":20240415,"lastUsed":1759400000000}}"#,
        n % 200
    )
    .unwrap();
}

fn launchdarkly_page(out: &mut Vec<u8>, tokens: usize, limit: usize, offset: usize) {
    let end = offset.saturating_add(limit).min(tokens);
    out.extend_from_slice(b"{\"items\":[");
    for n in offset.min(end)..end {
        if n > offset {
            out.push(b',');
        }
        launchdarkly_token(out, n, "4444");
    }
    let next = if end < tokens {
        format!(
            r#","next":{{"href":"/api/v2/tokens?limit={limit}&offset={end}","type":"application/json"}}"#
        )
    } else {
        String::new()
    };
    write!(
        out,
        r#"],"totalCount":{tokens},"_links":{{"self":{{"href":"/api/v2/tokens?limit={limit}&offset={offset}","type":"application/json"}}{next}}}}}"#
    )
    .unwrap();
}

fn query_server_list(out: &mut Vec<u8>, tokens: usize) {
    // With claims that fit the row.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\
        eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTc1OTMxMjgwMCwiaXNzIjoidG9rZW4iLCJzdWIiOiI1YTFmMGEzZS0wYzY0LTRmNWYtOGEwZS0zZDJiOGEwYzFkMTEifQ.\
        k3vJ0m1x2Yy4w5Z6a7B8c9D0e1F2g3H4i5J6k7L8m9N";
    out.extend_from_slice(b"{\"data\":[");
    for n in 0..tokens {
        let comma = if n > 0 { "," } else { "" };
        write!(
            out,
            r#"{comma}{{"id":{n},"name":"application {n}","token":"{TOKEN}","active":1,"write":1,"created_at":1759312800,"updated_at":1759312800,"expiration_date":4102444800}}"#
        )
        .unwrap();
    }
    out.extend_from_slice(b"]}");
}

fn avisi_cloud_list(out: &mut Vec<u8>, tokens: usize) {
    out.push(b'[');
    for n in 0..tokens {
        let comma = if n > 0 { "," } else { "" };
        write!(
            out,
            r#"{comma}{{"id":"8c5b7d0e-3f0a-4c1e-9a53-1f7f{n:08x}","name":"pipeline {n}","subject":"user-{}","type":"USER","active":true,"ipRestriction":"203.0.113.0/24","createdAt":"2026-02-03T10:11:12Z","expireAt":"2027-02-03T10:11:12Z","lastUsedAt":null}}"#,
            n % 200
        )
        .unwrap();
    }
    out.push(b']');
}
