//! What people complain of in other products, complaint by complaint: none of it happens here.

mod groups;
mod guard;
mod lifecycle;
mod rates;
mod saying;
