//! OpenAI's Responses beyond one request: continued, read, deleted, whoever keeps them.

use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};
use reqwest::Method;
use serde_json::{Value, json};

use crate::proxy::{Answer, Proxy, Setup};

/// A proxy with providers that keep no responses, and two deployments of one that does.
async fn proxy(upstreams: [&ScriptedUpstream; 2], more: &str) -> Proxy {
    let [first, second] = upstreams.map(ScriptedUpstream::url);
    Setup::config(format!(
        "model_list:
  - {{model_name: chat, litellm_params: {{model: openai_like/c, api_key: k, api_base: '{first}/v1'}}}}
  - {{model_name: claude, litellm_params: {{model: anthropic/c, api_key: k, api_base: '{first}'}}}}
  - {{model_name: native, litellm_params: {{model: openai/n, api_key: k, api_base: '{first}/v1'}}}}
  - {{model_name: native, litellm_params: {{model: openai/n, api_key: k, api_base: '{second}/v1'}}}}
{more}"
    ))
    .start()
    .await
}

async fn chat_proxy(upstream: &ScriptedUpstream) -> Proxy {
    proxy([upstream, upstream], "").await
}

fn ask(proxy: &Proxy, model: &str, more: Value) -> reqwest::RequestBuilder {
    let mut body = json!({"model": model, "input": "hi"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    proxy.post("/v1/responses", &body)
}

async fn send(proxy: &Proxy, method: Method, path: &str) -> Answer {
    Answer::of(proxy.client.request(method, format!("{}{path}", proxy.url))).await
}

/// The data of a stream's events.
fn events(answer: &Answer) -> Vec<Value> {
    answer.events().iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn id(response: &Value) -> &str {
    response["id"].as_str().unwrap()
}

/// What the providers of chats were sent last, as messages.
fn messages(upstream: &ScriptedUpstream) -> Value {
    upstream.requests().last().unwrap().json()["messages"].clone()
}

#[tokio::test]
async fn pain_27_a_tool_loop_goes_on_from_a_response_that_a_chat_provider_does_not_keep() {
    for stream in [false, true] {
        let upstream = ScriptedUpstream::start().await;
        let proxy = chat_proxy(&upstream).await;
        let (call, text) = if stream {
            (answers::openai_tool_call_stream("f", &["{\"a\"", ":1}"]), answers::openai_stream(&["done"]))
        } else {
            (answers::openai_tool_call("f", "{\"a\":1}"), answers::openai_chat("done"))
        };
        upstream.script([call, text.clone(), text]);
        let response = |answer: &Answer| match stream {
            true => events(answer).pop().unwrap()["response"].clone(),
            false => answer.json(),
        };
        let first =
            Answer::of(ask(&proxy, "chat", json!({"stream": stream, "instructions": "be brief"}))).await;
        if stream {
            // One id, from the first event to the last.
            let ids: Vec<_> = events(&first)
                .iter()
                .filter_map(|e| e["response"]["id"].as_str().map(str::to_owned))
                .collect();
            assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        }
        let first = response(&first);
        assert_eq!((&first["store"], &first["status"]), (&json!(true), &json!("completed")));
        let call_id = first["output"][0]["call_id"].as_str().unwrap().to_owned();
        let output = json!([{"type": "function_call_output", "call_id": call_id, "output": "42"}]);
        let second = json!({"stream": stream, "input": output, "previous_response_id": id(&first)});
        let second = response(&Answer::of(ask(&proxy, "chat", second)).await);
        assert_eq!(second["previous_response_id"], first["id"]);
        let said = messages(&upstream);
        assert_eq!(said[0], json!({"role": "user", "content": "hi"}), "instructions are not carried over");
        assert_eq!(said[1]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
        assert_eq!((&said[2]["tool_call_id"], &said[2]["content"]), (&json!(call_id), &json!("42")));

        let third = json!({"input": "and?", "stream": stream, "previous_response_id": id(&second)});
        assert_eq!(Answer::of(ask(&proxy, "chat", third)).await.status, 200);
        let said = messages(&upstream);
        assert_eq!(said.as_array().unwrap().len(), 5);
        assert_eq!((&said[3]["content"], &said[4]["content"]), (&json!("done"), &json!("and?")));
    }
}

#[tokio::test]
async fn pain_28_signed_thinking_survives_a_tool_loop_of_which_the_client_sends_only_the_news() {
    let thinking = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "c",
        "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}, "content": [
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "sealed"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {}}]});
    let upstream =
        ScriptedUpstream::answering([Scripted::json(thinking), answers::anthropic_message("done")]).await;
    let proxy = chat_proxy(&upstream).await;
    let settings = json!({"reasoning": {"effort": "low"}, "max_output_tokens": 5000,
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}]});
    let first = Answer::of(ask(&proxy, "claude", settings.clone())).await.json();
    let mut next = settings;
    next["input"] = json!([{"type": "function_call_output", "call_id": "t", "output": "42"}]);
    next["previous_response_id"] = first["id"].clone();
    assert_eq!(Answer::of(ask(&proxy, "claude", next)).await.status, 200);
    let turn = &messages(&upstream)[1];
    assert_eq!(turn["content"][0], json!({"type": "thinking", "thinking": "hm", "signature": "sig"}));
    assert_eq!(turn["content"][1], json!({"type": "redacted_thinking", "data": "sealed"}));
    assert_eq!(turn["content"][2]["type"], "tool_use");
}

#[tokio::test]
async fn a_response_that_is_kept_here_is_read_listed_and_deleted() {
    let upstream =
        ScriptedUpstream::answering([answers::openai_chat("one"), answers::openai_chat("two")]).await;
    let proxy = chat_proxy(&upstream).await;
    let first = Answer::of(ask(&proxy, "chat", json!({}))).await.json();
    let more = json!({"input": "more", "previous_response_id": id(&first)});
    let second = Answer::of(ask(&proxy, "chat", more)).await.json();
    for prefix in ["/v1", "", "/openai/v1"] {
        let read = send(&proxy, Method::GET, &format!("{prefix}/responses/{}", id(&second))).await;
        assert_eq!((read.status.as_u16(), read.json()), (200, second.clone()), "{prefix}");
    }
    let path = format!("/v1/responses/{}", id(&second));
    let input = send(&proxy, Method::GET, &format!("{path}/input_items?order=asc")).await.json();
    let said: Vec<_> =
        input["data"].as_array().unwrap().iter().map(|item| &item["content"][0]["text"]).collect();
    assert_eq!(said, ["hi", "one", "more"]);
    assert_eq!((&input["object"], &input["has_more"]), (&json!("list"), &json!(false)));
    let rest = format!("{path}/input_items?order=asc&after={}", id(&input["data"][1]));
    assert_eq!(send(&proxy, Method::GET, &rest).await.json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(send(&proxy, Method::POST, &format!("{path}/cancel")).await.status, 400);

    let first_path = format!("/v1/responses/{}", id(&first));
    let deleted = send(&proxy, Method::DELETE, &first_path).await.json();
    assert_eq!(deleted, json!({"id": first["id"], "object": "response", "deleted": true}));
    assert_eq!(send(&proxy, Method::GET, &first_path).await.status, 404);
    for previous in [id(&first), id(&second)] {
        let gone = Answer::of(ask(&proxy, "chat", json!({"previous_response_id": previous}))).await;
        assert_eq!(gone.status, 400, "{}", gone.text);
        assert_eq!(gone.json()["error"]["code"], "previous_response_not_found");
    }
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_not() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("one")]).await;
    let proxy = chat_proxy(&upstream).await;
    let answer = Answer::of(ask(&proxy, "chat", json!({"store": false}))).await.json();
    assert_eq!(answer["store"], false);
    let next = Answer::of(ask(&proxy, "chat", json!({"previous_response_id": id(&answer)}))).await;
    assert_eq!((next.status.as_u16(), &next.json()["error"]["param"]), (400, &json!("previous_response_id")));
    let background = Answer::of(ask(&proxy, "chat", json!({"background": true}))).await;
    assert_eq!(
        (background.status.as_u16(), &background.json()["error"]["param"]),
        (400, &json!("background"))
    );

    let proxy = self::proxy([&upstream, &upstream], "responses: {keep: false}\n").await;
    let answer = Answer::of(ask(&proxy, "chat", json!({}))).await.json();
    assert_eq!(answer["store"], false);
    assert_eq!(send(&proxy, Method::GET, &format!("/v1/responses/{}", id(&answer))).await.status, 404);
}

#[tokio::test]
async fn kept_responses_are_for_callers_with_the_key() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("one")]).await;
    let proxy = proxy([&upstream, &upstream], "general_settings: {master_key: sk-mine}\n").await;
    let made = Answer::of(ask(&proxy, "chat", json!({})).bearer_auth("sk-mine")).await.json();
    for path in [format!("/v1/responses/{}", id(&made)), "/v1/conversations/conv_llmux_1".to_owned()] {
        assert_eq!(send(&proxy, Method::GET, &path).await.status, 401, "{path}");
    }
    let read = proxy.get(&format!("/v1/responses/{}", id(&made))).bearer_auth("sk-mine");
    assert_eq!(Answer::of(read).await.json(), made);
}

fn native(id: &str, status: &str) -> Value {
    json!({"id": id, "object": "response", "created_at": 1, "model": "n", "status": status, "store": true,
        "previous_response_id": null, "output": [{"type": "message", "id": "msg_1", "role": "assistant",
            "status": "completed", "content": [{"type": "output_text", "text": "x", "annotations": []}]}],
        "new_field": 1.50, "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}})
}

#[tokio::test]
async fn pain_30_what_a_provider_keeps_is_asked_of_the_deployment_that_made_it() {
    let upstreams = [ScriptedUpstream::start().await, ScriptedUpstream::start().await];
    let proxy = proxy([&upstreams[0], &upstreams[1]], "").await;
    for upstream in &upstreams {
        upstream.script([Scripted::json(native("resp_first", "completed"))]);
    }
    let first = Answer::of(ask(&proxy, "native", json!({}))).await;
    assert!(first.text.contains("\"new_field\":1.5,"), "what is unknown passes as it is: {}", first.text);
    let (made, other) = if upstreams[0].requests().is_empty() { (1, 0) } else { (0, 1) };
    let (made, other) = (&upstreams[made], &upstreams[other]);
    let first = first.json();
    assert_ne!(first["id"], "resp_first");

    let created = json!({"type": "response.created", "sequence_number": 0, "response": native("resp_second", "in_progress")});
    let done = json!({"type": "response.completed", "sequence_number": 1, "response": native("resp_second", "completed")});
    let frame = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    made.script([Scripted::sse([frame(&created), frame(&done)])]);
    let next = json!({"stream": true, "previous_response_id": id(&first)});
    let second = Answer::of(ask(&proxy, "native", next)).await;
    let asked = made.requests().last().unwrap().json();
    assert_eq!((&asked["previous_response_id"], &asked["input"]), (&json!("resp_first"), &json!("hi")));
    let ids: Vec<_> = events(&second).iter().map(|event| event["response"]["id"].clone()).collect();
    assert!(ids[0] == ids[1] && ids[0] != "resp_second", "{ids:?}");

    let path = format!("/v1/responses/{}", ids[0].as_str().unwrap());
    for (method, below, query, theirs) in [
        (Method::GET, "", "?include=x", native("resp_second", "failed")),
        (Method::DELETE, "", "", json!({"id": "resp_second", "object": "response", "deleted": true})),
        (Method::POST, "/cancel", "", native("resp_second", "cancelled")),
        (Method::GET, "/input_items", "?limit=5", json!({"object": "list", "data": []})),
    ] {
        made.script([Scripted::json(theirs.clone())]);
        let answer = send(&proxy, method.clone(), &format!("{path}{below}{query}")).await;
        let sent = made.requests().last().unwrap().clone();
        assert_eq!((sent.method.as_str(), sent.body.len()), (method.as_str(), 0), "{below}");
        assert_eq!(sent.path, format!("/v1/responses/resp_second{below}{query}"));
        let mut expected = theirs;
        if expected.get("id").is_some() {
            expected["id"] = ids[0].clone();
        }
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected), "{method} {below}");
    }
    assert!(other.requests().is_empty(), "the other account knows nothing of it");
    let unknown = send(&proxy, Method::GET, "/v1/responses/resp_at_ZWxzZXdoZXJl.resp_1").await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_conversation_grows_by_the_turns_of_any_provider() {
    let upstream =
        ScriptedUpstream::answering([answers::openai_chat("one"), answers::openai_chat("two")]).await;
    let proxy = chat_proxy(&upstream).await;
    let items = json!([{"role": "user", "content": "before"}]);
    let create = proxy.post("/v1/conversations", &json!({"items": items, "metadata": {"a": "b"}}));
    let conversation = Answer::of(create).await.json();
    assert_eq!(
        (&conversation["object"], &conversation["metadata"]["a"]),
        (&json!("conversation"), &json!("b"))
    );
    let path = format!("/v1/conversations/{}", id(&conversation));
    for reference in [conversation["id"].clone(), json!({"id": conversation["id"]})] {
        let answer = Answer::of(ask(&proxy, "chat", json!({"conversation": reference}))).await.json();
        assert_eq!(answer["conversation"], json!({"id": conversation["id"]}));
    }
    let said: Vec<_> = messages(&upstream).as_array().unwrap().iter().map(|m| m["content"].clone()).collect();
    assert_eq!(said, ["before", "hi", "one", "hi"]);
    let listed = send(&proxy, Method::GET, &format!("{path}/items?order=asc")).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 5);
    let last = id(&listed["data"][4]).to_owned();
    assert_eq!(
        send(&proxy, Method::GET, &format!("{path}/items/{last}")).await.json()["content"][0]["text"],
        "two"
    );
    assert_eq!(send(&proxy, Method::DELETE, &format!("{path}/items/{last}")).await.status, 200);
    let added = Answer::of(proxy.post(&format!("{path}/items"), &json!({"items": items}))).await.json();
    assert_eq!(added["data"].as_array().unwrap().len(), 1);
    let updated = Answer::of(proxy.post(&path, &json!({"metadata": {"a": "c"}}))).await.json();
    assert_eq!(updated["metadata"]["a"], "c");
    assert_eq!(send(&proxy, Method::GET, &path).await.json(), updated);

    let both = json!({"conversation": conversation["id"], "previous_response_id": "resp_llmux_1"});
    assert_eq!(Answer::of(ask(&proxy, "chat", both)).await.status, 400);
    assert_eq!(send(&proxy, Method::DELETE, &path).await.json()["deleted"], true);
    let gone = Answer::of(ask(&proxy, "chat", json!({"conversation": conversation["id"]}))).await;
    assert_eq!(
        (gone.status.as_u16(), &gone.json()["error"]["code"]),
        (404, &json!("conversation_not_found"))
    );
}
