use std::collections::HashSet;

use super::*;

mod page;

fn is_local(url: &str) -> bool {
    url.starts_with("http://localhost") || url.starts_with("http://127.0.0.1")
}

/// The names in braces in `url`.
fn placeholders(url: &str) -> Vec<&str> {
    url.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
}

#[test]
fn names_and_aliases_are_unique() {
    let mut seen = HashSet::new();
    for host in hosts() {
        for name in host.aliases.iter().chain([&host.name]) {
            assert!(seen.insert(*name), "{name} stands for two hosts");
        }
    }
}

#[test]
fn names_are_usable_as_prefixes_of_model_names() {
    for name in hosts().flat_map(|host| host.aliases.iter().chain([&host.name])) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
        assert!(!name.is_empty() && name.chars().all(plain), "{name:?}");
    }
}

#[test]
fn hosts_of_a_group_are_sorted_by_name_and_have_a_title() {
    for group in groups() {
        assert!(group.hosts.is_sorted_by(|a, b| a.name < b.name), "{} is not sorted", group.title);
        assert!(group.hosts.iter().all(|host| !host.title.is_empty()), "{}: a title is missing", group.title);
    }
}

#[test]
fn every_host_away_from_this_machine_is_reached_over_tls() {
    for host in hosts() {
        if let Some(url) = host.base_url {
            assert!(url.starts_with("https://") || is_local(url), "{}: {url}", host.name);
            assert!(!url.ends_with('/'), "{}: paths bring their own slash", host.name);
        }
    }
}

#[test]
fn paths_begin_with_a_slash() {
    for host in hosts() {
        let Paths { chat, completions, embeddings, models, responses, rerank, media } = host.paths;
        let rerank = rerank.map(|(path, _)| path);
        let media = media.offered().map(|(_, path)| path);
        let all = [Some(chat), completions, embeddings, models, responses, rerank];
        for path in all.into_iter().flatten().chain(media) {
            assert!(path.starts_with('/') && !path.ends_with('/'), "{}: {path}", host.name);
        }
    }
}

#[test]
fn parts_in_braces_are_exactly_the_variables() {
    for host in hosts() {
        let named: Vec<_> = host.variables.iter().map(|variable| variable.name).collect();
        assert_eq!(placeholders(host.base_url.unwrap_or_default()), named, "{}", host.name);
        assert!(host.variables.iter().all(|variable| !variable.env.is_empty()), "{}", host.name);
    }
}

#[test]
fn a_host_without_an_address_can_be_given_one_by_the_environment() {
    for host in hosts().filter(|host| host.base_url.is_none()) {
        assert!(!host.base_env.is_empty(), "{}", host.name);
    }
}

#[test]
fn every_host_has_a_variable_for_its_key() {
    for host in hosts() {
        assert!(!host.key_env.is_empty(), "{}", host.name);
    }
}

#[test]
fn only_servers_of_ones_own_do_without_a_key() {
    for host in hosts().filter(|host| host.auth == Auth::OptionalBearer) {
        let own = host.base_url.is_none_or(is_local);
        assert!(own, "{}", host.name);
    }
}

#[test]
fn environment_variables_are_written_like_ones() {
    for host in hosts() {
        let of_variables = host.variables.iter().flat_map(|variable| variable.env);
        for name in host.key_env.iter().chain(host.base_env).chain(of_variables) {
            assert!(name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'), "{name}");
        }
    }
}

#[test]
fn headers_are_in_lower_case_and_never_the_key() {
    for (name, _) in hosts().flat_map(|host| host.headers) {
        assert_eq!(*name, name.to_ascii_lowercase());
        assert_ne!(*name, "authorization");
    }
}

#[test]
fn unsupported_parameters_are_sorted_and_not_renamed_too() {
    for host in hosts() {
        let quirks = &host.quirks;
        assert!(quirks.unsupported.is_sorted_by(|a, b| a < b), "{}", host.name);
        for (from, _) in quirks.renames {
            assert!(!quirks.unsupported.contains(from), "{}: {from}", host.name);
        }
    }
}

#[test]
fn unsupported_parameters_leave_to_other_quirks_what_is_theirs() {
    let theirs = ["max_tokens", "max_completion_tokens", "n", "stream_options", "parallel_tool_calls"];
    for host in hosts() {
        for name in theirs.iter().chain(&["reasoning_effort", "response_format"]) {
            assert!(!host.quirks.unsupported.contains(name), "{}: {name}", host.name);
        }
    }
}

#[test]
fn a_host_is_found_by_its_name_and_by_its_aliases() {
    assert_eq!(find("together").unwrap().name, "together_ai");
    assert_eq!(find("together_ai").unwrap().name, "together_ai");
    assert_eq!(find("llama.cpp").unwrap().name, "llamafile");
    assert!(find("").is_none());
    assert!(find("Groq").is_none(), "prefixes are compared as they are written");
    assert!(find("no_such_host").is_none());
}

#[test]
fn every_promised_host_is_there() {
    let promised = "groq deepseek xai mistral together_ai fireworks_ai perplexity openrouter cerebras sambanova \
        nvidia_nim huggingface hosted_vllm lm_studio llama_cpp llamafile ollama_openai deepinfra moonshot \
        zai zhipu qwen dashscope volcengine siliconflow minimax stepfun yi baichuan hunyuan novita hyperbolic \
        lambda_ai github cloudflare databricks snowflake anyscale ai21 ai21_chat baseten nebius openai_like \
        custom_openai together fireworks vllm lmstudio kimi litellm_proxy xinference meta_llama friendliai";
    let missing: Vec<_> = promised.split_whitespace().filter(|name| find(name).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_host_for_any_other_server_assumes_nothing() {
    let other = find("openai_like").unwrap();
    assert_eq!(other.quirks, Quirks::DEFAULT);
    assert_eq!(other.base_url, None);
    assert_eq!(other.paths, Paths::ALL);
}
