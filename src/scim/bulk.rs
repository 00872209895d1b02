//! Several writes in one request (RFC 7644 §3.7): the `BulkRequest` and the `BulkResponse`.
//!
//! A request is read in one go: what is wrong with it as a whole is an error, what is wrong with
//! one operation stays with that operation. References by `bulkId:` are found then, too, so that
//! [`Request::steps`] can say in which order the operations work.

mod order;
mod parse;
mod reference;
#[cfg(test)]
mod tests;

pub use parse::parse;

use super::dialect::Forgiven;
use super::error::Error;
use super::schema::ResourceType;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Most operations in one request; `bulk.maxOperations` of ServiceProviderConfig.
pub const MAX_OPERATIONS: usize = 1_000;

/// What stands before the client's own id of a new resource (RFC 7644 §3.7.2).
const PREFIX: &str = "bulkId:";

/// A `BulkRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// After how many errors nothing more is done; none for never.
    pub fail_on_errors: Option<usize>,
    /// In the order of the request.
    pub operations: Vec<Operation>,
    /// What had to be forgiven to read it.
    pub forgiven: Forgiven,
}

/// One operation of a `BulkRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What of it the answer repeats.
    pub sent: Sent,
    /// What to do, or what is wrong.
    pub action: Result<Action, Error>,
    /// Positions of the POSTs whose new ids it refers to, ascending.
    pub needs: Vec<usize>,
    /// Those among [`Self::needs`] that become members of what it makes: they must be there first.
    members: Vec<usize>,
}

/// What an answer repeats of an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// `POST`, `PUT`, `PATCH` or `DELETE`; as sent, where it is none of them.
    pub method: Option<String>,
    /// The client's id for a new resource.
    pub bulk_id: Option<String>,
    /// As sent.
    pub path: Option<String>,
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// To which type of resources.
    pub kind: Arc<ResourceType>,
    /// Which of the four.
    pub method: Method,
    /// The id in the path, which may be a `bulkId:`; none for POST.
    pub subject: Option<String>,
    /// The version that the resource must have.
    pub version: Option<String>,
    /// The body; null for DELETE.
    pub data: Value,
}

/// The methods that a bulk request may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Makes a resource.
    Post,
    /// Replaces one.
    Put,
    /// Changes one.
    Patch,
    /// Deletes one.
    Delete,
}

/// What is done at a time; positions are those of [`Request::operations`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// One operation.
    One(usize),
    /// POSTs that refer to each other: all of them or none, in this order.
    Circle(Vec<usize>),
    /// POSTs of groups that would be members of each other, which cannot be.
    Knot(Vec<usize>),
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Where the resource is; none for a POST that failed.
    pub location: Option<String>,
    /// The resource's version, where it is there.
    pub version: Option<String>,
    /// The status, or what went wrong.
    pub result: Result<u16, Error>,
}

impl Method {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }

    /// As it goes over the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Request {
    /// In which order the operations work.
    ///
    /// It is the order of the request, but that a POST comes before the first operation that
    /// refers to its `bulkId`. POSTs that refer to each other are one step.
    pub fn steps(&self) -> Vec<Step> {
        order::steps(&self.operations)
    }
}

impl Action {
    /// The same with new ids in the place of every `bulkId:`. `id` answers the id for a client's
    /// own id, and something for every one that [`Operation::needs`] covers.
    #[must_use]
    pub fn resolved(mut self, id: &impl Fn(&str) -> Option<String>) -> Self {
        reference::replace(&mut self.data, id);
        if let Some(subject) = &mut self.subject
            && let Some(new) = subject.strip_prefix(PREFIX).and_then(id)
        {
            *subject = new;
        }
        self
    }
}

/// A `BulkResponse` of what was done, in the order of the request.
pub fn response<'s>(done: impl IntoIterator<Item = (&'s Sent, Outcome)>) -> Value {
    let operations: Vec<Value> =
        done.into_iter().map(|(sent, outcome)| operation(sent, outcome)).collect();
    let mut response = Map::new();
    response.insert("schemas".to_owned(), Value::Array(vec![super::urn::BULK_RESPONSE.into()]));
    response.insert("Operations".to_owned(), Value::Array(operations));
    Value::Object(response)
}

fn operation(sent: &Sent, outcome: Outcome) -> Value {
    let mut operation = Map::new();
    let mut say = |name: &str, value: Option<Value>| {
        operation.extend(value.map(|value| (name.to_owned(), value)));
    };
    say("location", outcome.location.map(Value::from));
    say("method", sent.method.clone().map(Value::from));
    say("bulkId", sent.bulk_id.clone().map(Value::from));
    say("version", outcome.version.map(Value::from));
    match outcome.result {
        Ok(status) => say("status", Some(status.to_string().into())),
        Err(error) => {
            say("status", Some(error.code().to_string().into()));
            say("response", Some(error.body()));
        }
    }
    Value::Object(operation)
}
