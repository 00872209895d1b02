//! Bodies that are read from the directory while they are sent.

use crate::directory::{Body, Paged};
use crate::store;
use actix_web::body::BodyStream;
use actix_web::http::Method;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::stream;

/// Why a body ends before its end. The connection is closed then, so that nobody takes what came
/// for the whole.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut short")]
struct CutShort(#[source] store::Error);

/// An answer with this body. To HEAD, what would be read while it is sent is not read.
pub(super) fn send(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    body: Body,
) -> HttpResponse {
    match body {
        Body::Whole(text) => response.body(text),
        Body::Paged(_) if *request.method() == Method::HEAD => {
            response.body(BodyStream::new(stream::empty::<Result<Bytes, CutShort>>()))
        }
        Body::Paged(paged) => response.streaming(stream::unfold(Some(paged), page)),
    }
}

type Page = (Result<Bytes, CutShort>, Option<Box<Paged>>);

async fn page(paged: Option<Box<Paged>>) -> Option<Page> {
    let mut paged = paged?;
    match paged.next().await {
        Ok(text) => Some((Ok(text?.into()), Some(paged))),
        Err(error) => {
            tracing::warn!(%error, "an answer was cut short");
            Some((Err(CutShort(error)), None))
        }
    }
}
