//! The protocol, over HTTP.

mod bulk;
mod cursors;
mod dialects;
mod discovery;
mod groups;
mod hostile;
mod life;
mod lists;
mod me;
mod providers;
mod refusals;
mod root;
mod schemas;
mod together;
mod tokens;
