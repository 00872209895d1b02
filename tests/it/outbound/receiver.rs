//! Somebody who receives messages, and checks each by another library than the one that signed it.

use super::bridge::PATIENCE;
use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::Mutex;
use serde_json::Value;
use standardwebhooks::Webhook;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub timestamp: i64,
    pub signature: String,
    pub text: String,
}

/// Status and `Retry-After` of the next answer.
pub type Reply = (u16, Option<&'static str>);

/// The receiver.
pub struct Receiver {
    pub url: String,
    state: Arc<State>,
    handle: ServerHandle,
}

struct State {
    messages: Mutex<Vec<Message>>,
    reply: Mutex<Reply>,
}

impl Receiver {
    /// One that answers 204.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let state = Arc::new(State { messages: Mutex::default(), reply: Mutex::new((204, None)) });
        let shared = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new().app_data(shared.clone()).default_service(web::to(receive))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, state, handle }
    }

    /// What it answers from now on.
    pub fn answer(&self, reply: Reply) {
        *self.state.reply.lock() = reply;
    }

    pub fn messages(&self) -> Vec<Message> {
        self.state.messages.lock().clone()
    }

    /// Waits until there are so many messages.
    pub async fn until(&self, count: usize) -> Vec<Message> {
        let waiting = async {
            loop {
                let messages = self.messages();
                if messages.len() >= count {
                    return messages;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{count} messages never come: {:?}", self.messages()))
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn receive(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned()
    };
    assert_eq!(header("content-type"), "application/json");
    state.messages.lock().push(Message {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap(),
        signature: header("webhook-signature"),
        text: String::from_utf8(body.to_vec()).unwrap(),
    });
    let (status, retry_after) = *state.reply.lock();
    let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    if let Some(text) = retry_after {
        answer.insert_header(("retry-after", text));
    }
    if status == 302 {
        answer.insert_header(("location", "/elsewhere"));
    }
    answer.finish()
}

impl Message {
    /// What it says, once its signature is found right.
    pub fn read(&self, secret: &str) -> Value {
        let expected =
            Webhook::new(secret).unwrap().sign(&self.id, self.timestamp, self.text.as_bytes());
        assert_eq!(self.signature, expected.unwrap());
        serde_json::from_str(&self.text).unwrap()
    }
}
