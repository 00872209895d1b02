//! What people complain of in other products, complaint by complaint: none of it happens here.

mod groups;
mod guard;
mod joining;
mod lifecycle;
mod overtaking;
mod rates;
mod saying;
