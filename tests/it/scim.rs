//! The protocol, over HTTP.

mod bulk;
mod cursors;
mod dialects;
mod discovery;
mod groups;
mod hostile;
mod large;
mod life;
mod lists;
mod manners;
mod me;
mod nesting;
mod providers;
mod refusals;
mod root;
mod schemas;
mod together;
mod tokens;
