//! A proxy in front of an app that meddles with chosen requests: answers in the app's place, or lets
//! it take its time.

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::Mutex;
use std::net::TcpListener;
use std::time::Duration;

/// What happens to a request.
pub enum Meddling {
    /// It goes to the app.
    Pass,
    /// It goes to the app after a while.
    Slow(Duration),
    /// The app never sees it.
    Answer(u16, &'static str),
    /// It goes to the app, and whoever asked gets this in place of the app's answer.
    Instead(u16),
    /// Whoever asked gets this after a while, whether it went to the app or not.
    Late { passes: bool, after: Duration, status: u16 },
    /// The app never sees it; with a field in the header.
    Refuse(u16, Option<(&'static str, &'static str)>),
}

type Plan = dyn FnMut(&str, &str, &str) -> Meddling + Send;

/// The proxy.
pub struct Meddler {
    pub address: String,
    handle: ServerHandle,
}

struct State {
    target: String,
    client: reqwest::Client,
    plan: Mutex<Box<Plan>>,
}

impl Meddler {
    /// Before an app; the plan is asked with method, path with query, and body.
    pub fn before(
        target: &str,
        plan: impl FnMut(&str, &str, &str) -> Meddling + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = web::Data::new(State {
            target: target.to_owned(),
            client: reqwest::Client::new(),
            plan: Mutex::new(Box::new(plan)),
        });
        let server = HttpServer::new(move || {
            App::new().app_data(state.clone()).default_service(web::to(forward))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, handle }
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn forward(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let text = String::from_utf8_lossy(&body).into_owned();
    let method = request.method().as_str().to_owned();
    let meddling = (state.plan.lock())(&method, &path, &text);
    match meddling {
        Meddling::Pass | Meddling::Instead(_) | Meddling::Late { passes: true, .. } => {}
        Meddling::Late { passes: false, after, status } => {
            tokio::time::sleep(after).await;
            return HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish();
        }
        Meddling::Slow(time) => tokio::time::sleep(time).await,
        Meddling::Answer(status, body) => {
            return HttpResponse::build(StatusCode::from_u16(status).unwrap())
                .content_type("application/scim+json")
                .body(body);
        }
        Meddling::Refuse(status, field) => {
            let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
            answer.content_type("application/scim+json");
            if let Some(field) = field {
                answer.insert_header(field);
            }
            return answer.body("{}");
        }
    }
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let mut onward = state.client.request(method, format!("{}{path}", state.target)).body(text);
    for name in ["authorization", "content-type", "accept"] {
        if let Some(value) = request.headers().get(name) {
            onward = onward.header(name, value.to_str().unwrap());
        }
    }
    let answer = onward.send().await.unwrap();
    if let Meddling::Late { after, .. } = meddling {
        tokio::time::sleep(after).await;
    }
    if let Meddling::Instead(status) | Meddling::Late { status, .. } = meddling {
        return HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish();
    }
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for name in ["content-type", "location", "etag"] {
        if let Some(value) = answer.headers().get(name) {
            response.insert_header((name, value.to_str().unwrap()));
        }
    }
    response.body(answer.bytes().await.unwrap())
}
