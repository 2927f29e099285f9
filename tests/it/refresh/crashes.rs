//! docs/operations.md says what each failure loses while a token is refreshed. Each row of its table is a test: against a
//! provider that ends the grant when a refresh token is used twice, and against one that takes it again for a while.

mod provider;
mod random;
mod replica;
mod scene;
mod store;
mod table;
