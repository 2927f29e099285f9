//! Checks over HTTP: `/check` as proxies ask it, and nginx that does.
#![cfg(test)]

mod check;
mod example;
mod forwarded;
mod kit;
mod limits;
mod nginx;
mod nginx_clients;
mod proxy;
