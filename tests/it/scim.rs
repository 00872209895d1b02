//! The protocol, over HTTP.

mod bulk;
mod cursors;
mod discovery;
mod groups;
mod hostile;
mod life;
mod lists;
mod providers;
mod refusals;
mod root;
mod schemas;
mod together;
mod tokens;
