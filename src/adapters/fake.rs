//! A server for tests: answers as a script says, and remembers what it was asked.

use parking_lot::Mutex;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `PATCH /Users/1`, the query decoded.
    pub(super) fn line(&self) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let query = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {path}{mark}{query}", self.method)
    }
}

/// What the server does about a request.
pub(super) enum Reply {
    /// Status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Reads the request and closes the connection.
    Hang,
    /// Reads the request and says nothing until the client leaves.
    Silence,
}

/// An answer with a JSON body; null is none.
pub(super) fn json(status: u16, body: &Value) -> Reply {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    Reply::Answer(status, Vec::new(), text)
}

impl Reply {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer(_, headers, _) = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

type Script = dyn FnMut(&Seen) -> Reply + Send;

/// A server on a port of its own, gone when the process ends.
pub(super) struct Fake {
    /// `http://127.0.0.1:PORT`
    pub(super) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    pub(super) fn start(script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&seen);
        let script: Arc<Mutex<Box<Script>>> = Arc::new(Mutex::new(Box::new(script)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, script) = (Arc::clone(&remembered), Arc::clone(&script));
                std::thread::spawn(move || serve(stream, &seen, &script));
            }
        });
        Self { base, seen }
    }

    /// Every request so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    /// Every request so far, as lines.
    pub(super) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    /// The body of the last request.
    pub(super) fn last_body(&self) -> Value {
        self.seen().last().and_then(|seen| seen.body.clone()).unwrap_or_default()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Seen>>, script: &Mutex<Box<Script>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let Some(request) = read(&mut reader) else { return };
    seen.lock().push(request.clone());
    let reply = (*script.lock())(&request);
    match reply {
        Reply::Hang => {}
        Reply::Silence => {
            let _ = reader.read_to_end(&mut Vec::new());
        }
        Reply::Answer(status, headers, body) => {
            let mut stream = stream;
            let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
            for (name, value) in headers {
                let _ = write!(head, "{name}: {value}\r\n");
            }
            if status != 204 {
                let _ = write!(head, "content-length: {}\r\n", body.len());
            }
            let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { method, target, headers, body: serde_json::from_slice(&body).ok() })
}
