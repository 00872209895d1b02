//! One way to send requests: timeouts, no redirects, failures told apart.
