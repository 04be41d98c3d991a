//! Keys, teams, users and budgets, by LiteLLM's management API.

use llmux_testkit::PostgresProcess;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::proxy::{Answer, Proxy, Setup};

const KEY: &str = "sk-operator";

/// A proxy with an empty database of its own.
struct Place {
    proxy: Proxy,
    _folder: Option<TempDir>,
    _server: Option<PostgresProcess>,
}

async fn start(url: &str) -> Proxy {
    let config = "model_list:\n  - {model_name: m, litellm_params: {model: llmux/echo}}\n\
                  general_settings: {master_key: sk-operator, database_url: os.environ/PLACE}\n";
    Setup::config(config).env("PLACE", url).start().await
}

/// SQLite, and PostgreSQL where there is one.
async fn places() -> Vec<Place> {
    let folder = TempDir::new().unwrap();
    let proxy = start(&format!("sqlite://{}", folder.path().join("llmux.db").display())).await;
    let mut places = vec![Place { proxy, _folder: Some(folder), _server: None }];
    if let Some(server) = PostgresProcess::start().await {
        places.push(Place { proxy: start(&server.url()).await, _folder: None, _server: Some(server) });
    }
    places
}

async fn send(proxy: &Proxy, method: Method, key: &str, path: &str, body: Value) -> Answer {
    let url = format!("{}{path}", proxy.url);
    let request = proxy.client.request(method.clone(), url).bearer_auth(key);
    Answer::of(if method == Method::GET { request } else { request.json(&body) }).await
}

async fn post_as(proxy: &Proxy, key: &str, path: &str, body: Value) -> Answer {
    send(proxy, Method::POST, key, path, body).await
}

/// What the operator is answered, which must be well.
async fn post(proxy: &Proxy, path: &str, body: Value) -> Value {
    let answer = post_as(proxy, KEY, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json()
}

async fn get(proxy: &Proxy, path: &str) -> Value {
    let answer = send(proxy, Method::GET, KEY, path, Value::Null).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json()
}

/// `eve` in the team `t`, which has a member and a key already.
async fn a_member_comes_and_goes(proxy: &Proxy) {
    let added =
        json!({"team_id": "t", "member": {"role": "user", "user_id": "eve"}, "max_budget_in_team": 2});
    let added = post(proxy, "/team/member_add", added).await;
    assert_eq!(added["updated_team_memberships"][0]["max_budget"], 2.0);
    let user = get(proxy, "/user/info?user_id=eve").await;
    assert_eq!(user["user_info"]["teams"], json!(["t"]));
    let info = get(proxy, "/team/info?team_id=t").await;
    assert_eq!(
        (info["keys"].as_array().unwrap().len(), info["team_memberships"].as_array().unwrap().len()),
        (1, 2)
    );
    let hers = post(proxy, "/key/generate", json!({"team_id": "t", "user_id": "eve"})).await["key"].clone();
    post(proxy, "/team/member_delete", json!({"team_id": "t", "user_id": "eve"})).await;
    let path = format!("/key/info?key={}", hers.as_str().unwrap());
    assert_eq!(send(proxy, Method::GET, KEY, &path, Value::Null).await.status, 404, "who leaves has no keys");
    assert_eq!(get(proxy, "/user/info?user_id=eve").await["user_info"]["teams"], json!([]));
}

#[tokio::test]
async fn an_administrators_day() {
    for Place { proxy, .. } in &places().await {
        let organization =
            post(proxy, "/organization/new", json!({"organization_alias": "acme", "max_budget": 100})).await;
        let organization = organization["organization_id"].as_str().unwrap();
        let team = json!({"team_id": "t", "team_alias": "red", "organization_id": organization, "max_budget": 10.5,
            "members_with_roles": [{"role": "admin", "user_id": "boss"}]});
        let team = post(proxy, "/team/new", team).await;
        assert_eq!((&team["max_budget"], &team["members"]), (&json!(10.5), &json!(["boss"])));

        let key = json!({"team_id": "t", "key_alias": "it", "max_budget": 0.1, "budget_duration": "30d", "rpm_limit": 3,
            "models": ["m"], "duration": "1h", "metadata": {"tags": ["a"], "note": 1}, "policies": ["kept"]});
        let made = post(proxy, "/key/generate", key).await;
        let (secret, hash) = (made["key"].as_str().unwrap(), made["token_id"].as_str().unwrap());
        assert!(
            secret.starts_with("sk-")
                && secret.ends_with(made["key_name"].as_str().unwrap().trim_start_matches("sk-...")),
            "{made}"
        );
        assert_eq!(
            (&made["max_budget"], &made["policies"], &made["tags"]),
            (&json!(0.1), &json!(["kept"]), &json!(["a"]))
        );
        assert!(made["expires"].is_string() && made["budget_reset_at"].is_null(), "{made}");

        let info = get(proxy, &format!("/key/info?key={secret}")).await;
        assert_eq!((&info["key"], &info["info"]["rpm_limit"]), (&json!(hash), &json!(3)));
        assert!(info["info"]["budget_reset_at"].is_string() && !info.to_string().contains(secret), "{info}");
        let updated =
            post(proxy, "/key/update", json!({"key": hash, "rpm_limit": null, "max_budget": 7})).await;
        assert_eq!((&updated["rpm_limit"], &updated["max_budget"]), (&Value::Null, &json!(7.0)));

        let again = post(proxy, &format!("/key/{hash}/regenerate"), json!({"grace_period": "1h"})).await;
        assert_ne!(again["key"], made["key"]);
        assert_eq!(again["key_alias"], "it");
        let new = again["key"].as_str().unwrap();
        assert_eq!(post(proxy, "/key/block", json!({"key": new})).await["blocked"], true);
        let keys = get(proxy, "/key/list?team_id=t&return_full_object=true").await;
        assert_eq!((&keys["total_count"], &keys["keys"][0]["blocked"]), (&json!(1), &json!(true)));
        assert_eq!(get(proxy, "/key/list?status=active").await["total_count"], 0);

        a_member_comes_and_goes(proxy).await;

        post(proxy, "/budget/new", json!({"budget_id": "b", "max_budget": 3})).await;
        assert_eq!(post(proxy, "/budget/info", json!({"budgets": ["b"]})).await[0]["max_budget"], 3.0);
        post(proxy, "/customer/new", json!({"user_id": "c", "budget_id": "b"})).await;
        post(proxy, "/end_user/block", json!({"user_ids": ["c"]})).await;
        assert_eq!(get(proxy, "/customer/info?end_user_id=c").await["blocked"], true);
        assert_eq!(get(proxy, "/global/spend").await["spend"], 0.0);
        assert_eq!(get(proxy, "/spend/logs").await, json!([]));

        assert_eq!(
            post(proxy, "/team/delete", json!({"team_ids": ["t"]})).await["deleted_teams"],
            json!(["t"])
        );
        let gone = send(proxy, Method::GET, KEY, &format!("/key/info?key={new}"), Value::Null).await;
        assert_eq!(
            (gone.status.as_u16(), get(proxy, "/key/list").await["total_count"].clone()),
            (404, json!(0))
        );
    }
}

#[tokio::test]
async fn roles_decide_who_may_do_what() {
    for Place { proxy, .. } in &places().await {
        let mut keys = Vec::new();
        for (user, role) in [
            ("viewer", "proxy_admin_viewer"),
            ("one", "internal_user"),
            ("two", "internal_user"),
            ("reader", "internal_user_viewer"),
            ("admin", "proxy_admin"),
        ] {
            let made = post(proxy, "/user/new", json!({"user_id": user, "user_role": role})).await;
            keys.push(made["key"].as_str().unwrap().to_owned());
        }
        let [viewer, one, two, reader, admin] = keys.as_slice() else { return };
        let status = async |key: &str, path: &str, body: Value| {
            let method = if body.is_null() { Method::GET } else { Method::POST };
            send(proxy, method, key, path, body).await.status.as_u16()
        };
        let own = post_as(proxy, one, "/key/generate", json!({})).await.json();
        let own = own["key"].as_str().unwrap();
        assert_eq!(get(proxy, &format!("/key/info?key={own}")).await["info"]["user_id"], "one");
        let team = json!({"team_id": "t", "members_with_roles": [{"role": "admin", "user_id": "two"}]});
        for (key, path, body, expected) in [
            (admin, "/team/new", team, 200),
            (viewer, "/key/list", Value::Null, 200),
            (viewer, "/key/generate", json!({}), 403),
            (one, "/key/generate", json!({"user_id": "two"}), 403),
            (one, "/key/generate", json!({"team_id": "t", "user_id": "one"}), 403),
            (two, "/key/generate", json!({"team_id": "t", "user_id": "one"}), 200),
            (two, "/key/update", json!({"key": own, "max_budget": 1}), 403),
            (one, "/key/update", json!({"key": own, "user_id": "two"}), 403),
            (one, "/key/update", json!({"key": own, "max_budget": 1}), 200),
            (reader, "/key/generate", json!({}), 403),
            (reader, "/key/info", Value::Null, 200),
            (reader, "/key/list?user_id=one", Value::Null, 403),
            (reader, "/global/spend", Value::Null, 403),
            (viewer, "/global/spend", Value::Null, 200),
            (one, "/user/new", json!({"user_role": "proxy_admin"}), 403),
            (one, "/user/info?user_id=two", Value::Null, 403),
            (two, "/team/update", json!({"team_id": "t", "team_alias": "x"}), 200),
            (two, "/team/update", json!({"team_id": "t", "max_budget": 1}), 403),
            (two, "/team/update", json!({"team_id": "t", "model_aliases": {"a": "b"}}), 403),
            (one, "/key/update", json!({"key": own, "organization_id": "o"}), 403),
            (one, "/key/generate", json!({"budget_id": "b"}), 403),
            (one, "/team/info?team_id=t", Value::Null, 403),
            (one, "/spend/logs?user_id=two", Value::Null, 403),
            (one, "/key/delete", json!({"keys": [two]}), 403),
        ] {
            assert_eq!(status(key, path, body.clone()).await, expected, "{path} {body} by {key}");
        }
        post(proxy, "/key/block", json!({"key": one})).await;
        assert_eq!(status(one, "/key/info", Value::Null).await, 401);
        assert_eq!(status("sk-nobody-at-all", "/key/info", Value::Null).await, 401);
        assert_eq!(proxy.get("/key/list").send().await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn a_key_of_a_team_acts_within_the_team_only_and_one_that_reads_only_reads() {
    for Place { proxy, .. } in &places().await {
        let status = async |key: &str, path: &str, body: Value| {
            let method = if body.is_null() { Method::GET } else { Method::POST };
            send(proxy, method, key, path, body).await.status.as_u16()
        };
        let mut leader = String::new();
        for (user, role) in [("admin", "proxy_admin"), ("one", "internal_user"), ("two", "internal_user")] {
            let made = post(proxy, "/user/new", json!({"user_id": user, "user_role": role})).await;
            leader = made["key"].as_str().unwrap().to_owned();
        }
        let team = json!({"team_id": "t", "members_with_roles": [{"role": "admin", "user_id": "two"}]});
        post(proxy, "/team/new", team).await;
        let own = post(proxy, "/key/generate", json!({"user_id": "one"})).await["key"].clone();
        for other in ["admin", "one"] {
            let lent = json!({"team_id": "t", "user_id": other});
            let lent = post_as(proxy, &leader, "/key/generate", lent).await.json();
            let lent = lent["key"].as_str().unwrap();
            for (path, body) in [
                ("/user/new", json!({"user_role": "proxy_admin"})),
                ("/global/spend", Value::Null),
                ("/key/list?user_id=one", Value::Null),
                ("/key/regenerate", json!({"key": own})),
                ("/key/generate", json!({"user_id": other})),
            ] {
                assert_eq!(status(lent, path, body).await, 403, "{path} as {other}");
            }
            assert_eq!(status(lent, "/key/info", Value::Null).await, 200);
        }
        let reads = json!({"user_id": "admin", "key_type": "read_only"});
        let reads = post(proxy, "/key/generate", reads).await["key"].as_str().unwrap().to_owned();
        assert_eq!(status(&reads, "/key/list", Value::Null).await, 200);
        assert_eq!(status(&reads, "/key/generate", json!({})).await, 403);
    }
}

#[tokio::test]
async fn mistakes_are_told_and_change_nothing() {
    for Place { proxy, .. } in &places().await {
        for (path, body, expected, word) in [
            ("/key/generate", json!({"max_budget": -1}), 400, "budget"),
            ("/key/generate", json!({"max_budget": "NaN"}), 400, "money"),
            ("/key/generate", json!({"budget_duration": "soon"}), 400, "duration"),
            ("/key/generate", json!({"rpm_limit": "many"}), 400, "invalid type"),
            ("/key/generate", json!({"key": "short"}), 400, "sk-"),
            ("/key/generate", json!({"team_id": "none"}), 400, "none"),
            ("/key/generate", json!([]), 400, "object"),
            ("/key/update", json!({"key": "sk-unknown"}), 404, "not found"),
            ("/key/update", json!({"key": "what"}), 400, "hash"),
            ("/key/delete", json!({}), 400, "keys"),
            ("/team/update", json!({"team_id": "none"}), 404, "none"),
        ] {
            let answer = post_as(proxy, KEY, path, body.clone()).await;
            assert_eq!(answer.status.as_u16(), expected, "{path} {body}: {}", answer.text);
            assert!(answer.text.contains(word), "{path} {body}: {}", answer.text);
        }
        assert_eq!(send(proxy, Method::GET, KEY, "/key/generate", Value::Null).await.status, 405);
        let own = json!({"key": "sk-of-my-own-choice", "key_alias": "a"});
        post(proxy, "/key/generate", own.clone()).await;
        assert_eq!(post_as(proxy, KEY, "/key/generate", own).await.status, 400, "the alias is taken");
        let same = json!({"key": "sk-of-my-own-choice"});
        assert_eq!(post_as(proxy, KEY, "/key/generate", same).await.status, 409);
        assert_eq!(get(proxy, "/key/list").await["total_count"], 1);
    }
}

#[tokio::test]
async fn without_a_database_or_a_master_key_nothing_is_managed() {
    let model = "model_list:\n  - {model_name: m, litellm_params: {model: llmux/echo}}\n";
    let proxy = Setup::config(format!("{model}general_settings: {{master_key: {KEY}}}\n")).start().await;
    let answer = post_as(&proxy, KEY, "/key/generate", json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"]["code"].clone()),
        (503, json!("no_db_connection"))
    );
    assert!(answer.text.contains("No DB connected"), "{}", answer.text);
    let open = Setup::config(model).start().await;
    assert_eq!(post_as(&open, "sk-any", "/key/generate", json!({})).await.status, 403);
}
