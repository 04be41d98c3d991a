use crate::run::{llmux, llmux_with_env};

#[tokio::test]
async fn a_wrong_command_line_has_its_own_status() {
    assert_eq!(llmux(&["chat", "--no-such-flag"]).await.code, 2);
    assert_eq!(llmux(&["bench", "--requests", "0"]).await.code, 2);
    assert_eq!(llmux(&["bench", "--requests", "5", "--duration", "5s"]).await.code, 2);
}

#[tokio::test]
async fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = llmux(&["completions", shell]).await;
        assert_eq!(outcome.code, 0);
        assert!(outcome.out.contains("bench") && outcome.out.contains("models"), "{shell}");
    }
}

#[tokio::test]
async fn help_names_the_variable_of_the_key_but_not_its_value() {
    let outcome = llmux_with_env(&["chat", "--help"], &[("LLMUX_API_KEY", "sk-very-secret")]).await;
    assert!(outcome.out.contains("LLMUX_API_KEY"), "{}", outcome.out);
    assert!(!outcome.out.contains("sk-very-secret"), "{}", outcome.out);
}
