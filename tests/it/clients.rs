//! The example clients, run by the commands of their README against the service and against servers that play a part.
#![cfg(test)]

mod language;
mod outcomes;
mod scripted;
mod sources;
mod tls;
mod trouble;
