//! The real `llmux-proxy` binary between real clients and a scripted provider.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod access;
mod cancellation;
mod catalogue;
mod configuration;
mod costs;
mod faults;
mod fetching;
mod fidelity;
mod health;
mod limits;
mod manage;
mod media;
mod media_hosts;
mod own_paths;
mod parameters;
mod pass_through;
mod protocols;
mod proxy;
mod reload;
mod replicas;
mod responses;
mod routes;
mod routing;
mod secrets;
mod settings;
mod shaping;
mod shutdown;
mod slow_readers;
mod start;
mod tenancy;
mod uploads;
