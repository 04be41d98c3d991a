//! The rules that every transport keeps.

use llmux_testkit::conformance;

#[tokio::test]
async fn the_transport_keeps_the_rules() {
    conformance::transport(&crate::transport()).await;
}
