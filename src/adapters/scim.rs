//! Any SCIM 2.0 server as an app.
