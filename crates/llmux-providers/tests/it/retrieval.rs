//! Recorded rankings, and recorded embeddings of hosts that are not quite OpenAI's, as clients get them.

use bytes::Bytes;
use llmux_core::{Dialect, Operation};
use llmux_testkit::{conformance, fixtures};
use serde_json::{Value, json};

use crate::{calls, recordings};

/// The recordings of these kinds, by provider.
fn recorded(kind: &str, providers: &[&str]) -> Vec<(String, String, Bytes, Value)> {
    let cases = fixtures::cases_of(providers).into_iter().filter(|case| case.kind == kind);
    cases
        .map(|case| {
            let facts = case.facts().clone();
            (case.provider, case.name, case.response.expect("an answer"), facts)
        })
        .collect()
}

fn rerank(extra: Value) -> Value {
    let mut body = json!({"model": "m", "query": "q", "documents": ["a", "b", "c", "d", "e", "f"]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[test]
fn recorded_rankings_reach_clients_in_coheres_form() {
    for (kind, name, body, _) in recorded("rerank", &["cohere", "voyage", "together_ai"]) {
        let provider = recordings::provider(&kind);
        let recorded: Value = serde_json::from_slice(&body).unwrap();
        let list = recorded.get("results").unwrap_or(&recorded["data"]).as_array().unwrap();
        for request in [rerank(json!({})), rerank(json!({"return_documents": true}))] {
            let make = || calls::reply(&*provider, Operation::Rerank, Dialect::Cohere, &request);
            let (answer, report) = calls::whole(make(), &body).unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            let ours = answer["results"].as_array().unwrap();
            assert_eq!(ours.len(), list.len(), "{name}");
            for (ours, recorded) in ours.iter().zip(list) {
                assert_eq!(ours["index"], recorded["index"], "{name}");
                assert_eq!(ours["relevance_score"], recorded["relevance_score"], "{name}");
                let wanted = request["return_documents"] == true;
                let at = recorded["index"].as_u64().unwrap() as usize;
                assert!(!wanted || ours["document"]["text"] == request["documents"][at], "{name}: {ours}");
            }
            let usage = match kind.as_str() {
                "cohere" => (1, 0),
                "voyage" => (0, 12),
                _ => (0, 2966),
            };
            assert_eq!((report.usage.queries, report.usage.total()), usage, "{name}");
            conformance::whole_reply(make, &body);
        }
    }
}

#[test]
fn recorded_rankings_of_clouds_reach_clients_in_coheres_form() {
    for (kind, name, body, _) in recorded("rerank", &["bedrock", "vertex"]) {
        let provider = recordings::provider(if kind == "vertex" { "vertex_ai" } else { &kind });
        let recorded: Value = serde_json::from_slice(&body).unwrap();
        let list = recorded.get("results").unwrap_or(&recorded["records"]).as_array().unwrap();
        let request = rerank(json!({}));
        let make = || calls::reply(&*provider, Operation::Rerank, Dialect::Cohere, &request);
        let (answer, report) = calls::whole(make(), &body).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let ours = answer["results"].as_array().unwrap();
        assert_eq!(ours.len(), list.len(), "{name}");
        for (ours, recorded) in ours.iter().zip(list) {
            let place = recorded["index"].as_u64().map(|at| at.to_string());
            let place = place.unwrap_or_else(|| recorded["id"].as_str().unwrap().to_owned());
            assert_eq!(ours["index"].to_string(), place, "{name}");
            let score = recorded.get("relevanceScore").or_else(|| recorded.get("score"));
            assert_eq!(&ours["relevance_score"], score.unwrap_or(&json!(0)), "{name}");
        }
        assert_eq!((report.usage.queries, report.usage.total()), (1, 0), "{name}");
        conformance::whole_reply(make, &body);
    }
}

#[test]
fn a_ranking_of_coheres_passes_as_it_came() {
    let provider = recordings::provider("cohere");
    for (_, name, body, _) in recorded("rerank", &["cohere"]) {
        let reply = calls::reply(&*provider, Operation::Rerank, Dialect::Cohere, &rerank(json!({})));
        assert_eq!(calls::whole(reply, &body).unwrap().0, body, "{name}");
    }
}

#[test]
fn requests_of_clients_for_rankings_reach_every_host() {
    for request in fixtures::client_requests("rerank") {
        for kind in ["cohere", "voyage", "jina_ai", "infinity", "together_ai", "hosted_vllm", "huggingface"] {
            let provider = recordings::provider(kind);
            let exchange = calls::prepare(&*provider, Operation::Rerank, Dialect::Cohere, &request.body);
            let (path, sent) = calls::sent(&exchange.unwrap());
            assert!(path.ends_with("/rerank"), "{kind}: {path}");
            assert_eq!(sent["query"], request.body["query"], "{kind}: {}", request.name);
            let documents = sent.get("documents").unwrap_or(&sent["texts"]).as_array().unwrap();
            assert!(documents.iter().all(Value::is_string), "{kind}: {}", request.name);
        }
    }
}

#[test]
fn recorded_vectors_of_voyage_reach_every_client() {
    let provider = recordings::provider("voyage");
    for (_, name, body, facts) in recorded("embedding", &["voyage"]) {
        for (dialect, place) in [
            (Dialect::OpenAi, "/data"),
            (Dialect::Cohere, "/embeddings/float"),
            (Dialect::Ollama, "/embeddings"),
        ] {
            let request = calls::request(Operation::Embeddings, dialect, false);
            let reply = calls::reply(&*provider, Operation::Embeddings, dialect, &request);
            let (answer, report) = calls::whole(reply, &body).unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            let vectors = answer.pointer(place).and_then(Value::as_array).unwrap();
            for (at, vector) in vectors.iter().enumerate() {
                let numbers = vector.get("embedding").unwrap_or(vector).as_array().unwrap();
                assert_eq!(facts["dims"][at], numbers.len(), "{name}: {dialect}");
                for (ours, fact) in numbers.iter().zip(facts["head"][at].as_array().unwrap()) {
                    let apart = (ours.as_f64().unwrap() - fact.as_f64().unwrap()).abs();
                    assert!(apart < 1e-5, "{name}: {dialect}: {ours}, should be {fact}");
                }
            }
            assert_eq!(vectors.len() as u64, facts["vectors"].as_u64().unwrap(), "{name}: {dialect}");
            if let Some(tokens) = facts["tokens"].as_u64() {
                assert_eq!(report.usage.prompt_total(), tokens, "{name}: {dialect}");
            }
        }
    }
}

#[test]
fn recorded_vectors_of_cohere_reach_openais_client() {
    let provider = recordings::provider("cohere");
    for (_, name, body, facts) in recorded("embedding", &["cohere"]) {
        let request = calls::request(Operation::Embeddings, Dialect::OpenAi, false);
        let reply = calls::reply(&*provider, Operation::Embeddings, Dialect::OpenAi, &request);
        let (answer, report) = calls::whole(reply, &body).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["data"].as_array().unwrap().len() as u64, facts["vectors"], "{name}");
        assert_eq!(answer["usage"]["prompt_tokens"], facts["tokens"], "{name}");
        assert_eq!(report.usage.prompt_total(), facts["tokens"].as_u64().unwrap(), "{name}");
    }
}
