//! Which models a list of names lets through.

use llmux_core::tenancy::KeyIdentity;

/// Models as lists name them: the groups of a configuration, for access groups.
pub trait Models {
    /// Whether a model is a member of the access group of this name.
    fn in_group(&self, model: &str, group: &str) -> bool;
}

/// No access groups at all.
impl Models for () {
    fn in_group(&self, _: &str, _: &str) -> bool {
        false
    }
}

/// Whether a list lets a model through. An empty list lets everything through, and so do `*`, `all-proxy-models` and,
/// for a key, `all-team-models`, since the team's own list is asked as well. A name may be that of an access group, or
/// hold `*` for any letters; `openai/*` also lets a model through that has no namespace and is served by it, which
/// `models` knows as the group `openai/*`.
#[must_use]
pub fn allows(list: &[String], model: &str, models: &impl Models) -> bool {
    list.is_empty() || list.iter().any(|name| allows_one(name, model, models))
}

fn allows_one(name: &str, model: &str, models: &impl Models) -> bool {
    match name {
        "no-default-models" => false,
        "*" | "all-proxy-models" | "all-team-models" => true,
        name => name == model || name.contains('*') && matches(name, model) || models.in_group(model, name),
    }
}

/// Whether a text fits a pattern in which `*` stands for any letters, also none.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// Who does not let a model through, of all whose lists apply: key, team, member, organization, and the user for keys
/// that belong to no team. `None` if all do.
#[must_use]
pub fn denied_by(identity: &KeyIdentity, model: &str, models: &impl Models) -> Option<&'static str> {
    let KeyIdentity { key, team, user, membership, organization, .. } = identity;
    let lists = [
        ("key", Some(&key.models)),
        ("team", team.as_ref().map(|team| &team.models)),
        ("team_member", membership.as_ref().map(|member| &member.allowed_models)),
        ("org", organization.as_ref().map(|organization| &organization.models)),
        ("user", user.as_ref().filter(|_| team.is_none()).map(|user| &user.models)),
    ];
    let denies = |list: &Vec<String>| !allows(list, model, models);
    lists.into_iter().find(|(_, list)| list.is_some_and(denies)).map(|(whose, _)| whose)
}

/// Whether every model passes, whatever its name.
#[must_use]
pub fn unrestricted(identity: &KeyIdentity) -> bool {
    // A name that no list can hold but by letting everything through.
    denied_by(identity, "\u{0}", &()).is_none()
}

#[cfg(test)]
mod tests {
    use llmux_core::tenancy::{KeyHash, Team, User, VirtualKey};

    use super::*;

    struct Beta;

    impl Models for Beta {
        fn in_group(&self, model: &str, group: &str) -> bool {
            group == "beta" && model == "gpt-5"
        }
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn lists_let_names_patterns_and_groups_through() {
        for (names, model, allowed) in [
            (&[][..], "any", true),
            (&["gpt-4o"], "gpt-4o", true),
            (&["gpt-4o"], "gpt-4o-mini", false),
            (&["gpt-4*"], "gpt-4o-mini", true),
            (&["openai/*"], "openai/gpt-4o", true),
            (&["openai/*"], "azure/openai/x", false),
            (&["*-mini"], "gpt-4o-mini", true),
            (&["a*b*c"], "a1b2c", true),
            (&["a*b*c"], "acb", false),
            (&["all-proxy-models"], "any", true),
            (&["all-team-models"], "any", true),
            (&["no-default-models"], "any", false),
            (&["beta"], "gpt-5", true),
            (&["beta"], "gpt-4o", false),
        ] {
            assert_eq!(allows(&list(names), model, &Beta), allowed, "{names:?} {model}");
        }
    }

    #[test]
    fn every_list_that_applies_must_let_a_model_through() {
        let mut identity = KeyIdentity::new(VirtualKey::new(KeyHash::default()));
        assert!(unrestricted(&identity));
        identity.key.models = list(&["all-team-models"]);
        let mut team = Team::new("t");
        team.models = list(&["gpt-4o"]);
        identity.team = Some(team);
        assert_eq!(denied_by(&identity, "gpt-4o", &()), None);
        assert_eq!(denied_by(&identity, "o3", &()), Some("team"));
        assert!(!unrestricted(&identity));
        let mut user = User::default();
        user.models = list(&["o3"]);
        identity.user = Some(user);
        assert_eq!(denied_by(&identity, "gpt-4o", &()), None, "a user's list is for keys without a team");
        identity.team = None;
        assert_eq!(denied_by(&identity, "gpt-4o", &()), Some("user"));
    }
}
