//! What people complain about in provisioning, one test for each complaint.

mod groups;
