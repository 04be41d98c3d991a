//! `/team/*`

use llmux_core::{
    ErrorKind, RequestId, Result,
    tenancy::{Membership, Organization, Team, TeamMember, Timestamp, User, VirtualKey},
};
use llmux_db::Filter;
use serde_json::{Map, Value, json};

use crate::{
    Work,
    caller::denied,
    fields::{Fields, missing, wrong},
    keys,
    routes::{Action, nothing},
    shown::{all, shown},
};

pub(crate) async fn run(action: Action, work: Work<'_>) -> Result<Value> {
    match action {
        Action::New => new(work).await,
        Action::Update => update(work).await,
        Action::Delete => delete(work).await,
        Action::Block => block(work, true).await,
        Action::Unblock => block(work, false).await,
        Action::MemberAdd => member_add(work).await,
        Action::MemberUpdate => member_update(work).await,
        Action::MemberDelete => member_delete(work).await,
        Action::Info => info(work).await,
        Action::List => list(work).await,
        _ => Err(nothing()),
    }
}

/// What a team's own admins may change of it.
const OWN: [&str; 2] = ["team_alias", "tags"];

/// The team as clients see it, with its members by id beside their roles.
fn told(team: &Team) -> Map<String, Value> {
    let mut fields = shown(team);
    let members: Vec<_> =
        team.members_with_roles.iter().filter_map(|member| member.user_id.clone()).collect();
    fields.insert("members".to_owned(), members.into());
    fields
}

async fn new(mut work: Work<'_>) -> Result<Value> {
    if work.fields.take_text("team_id").map(|id| id.map(|id| work.fields.set("team_id", id)))?.is_none() {
        work.fields.set("team_id", RequestId::new().as_str());
    }
    let team: Team = work.fields.make(work.who.name())?;
    if let Some(organization) = &team.organization_id
        && work.db.get::<Organization>(organization).await?.is_none()
    {
        return Err(wrong(&format!("there is no organization `{organization}`"), "organization_id"));
    }
    work.db.insert(&team).await?;
    for member in &team.members_with_roles {
        join(work.db, &team.team_id, member, Fields::default(), work.who.name()).await?;
    }
    Ok(Value::Object(told(&team)))
}

async fn update(mut work: Work<'_>) -> Result<Value> {
    let id = work.fields.need_text("team_id")?;
    work.who.may_change(work.db, None, Some(&id)).await?;
    // What a team may spend and use is not for its own admins to say.
    if !work.who.is_admin()
        && let Some(name) = work.fields.names().find(|name| !OWN.contains(name))
    {
        return Err(denied(&format!("only a proxy admin may set a team's `{name}`")));
    }
    work.fields.take("members_with_roles");
    let (fields, by, same) = (work.fields, work.who.name().to_owned(), id.clone());
    let team = work.db.update::<Team>(&id, move |team| {
        fields.change(team, &by)?;
        team.team_id = same;
        Ok(())
    });
    let team = team.await?;
    Ok(json!({ "team_id": team.team_id, "data": told(&team) }))
}

async fn delete(mut work: Work<'_>) -> Result<Value> {
    let ids = work.fields.take_texts("team_ids")?;
    for id in &ids {
        if work.db.get::<Team>(id).await?.is_none() {
            return Err(missing("Team", "team_ids"));
        }
    }
    let mut deleted = Vec::new();
    for id in ids {
        let mut filter = Filter::new();
        filter.team = Some(id.clone());
        for key in work.db.list::<VirtualKey>(&filter).await?.items {
            work.db.remove::<VirtualKey>(&key.hash.to_string(), Some(work.who.name())).await?;
        }
        let Some(team) = work.db.remove::<Team>(&id, Some(work.who.name())).await? else { continue };
        for user in team.members_with_roles.iter().filter_map(|member| member.user_id.as_deref()) {
            leave(work.db, &id, user, work.who.name()).await?;
        }
        deleted.push(id);
    }
    Ok(json!({ "deleted_teams": deleted }))
}

async fn block(mut work: Work<'_>, blocked: bool) -> Result<Value> {
    let id = work.fields.need_text("team_id")?;
    let team = work.db.update::<Team>(&id, move |team| {
        (team.blocked, team.updated_at) = (blocked, Timestamp::now());
        Ok(())
    });
    Ok(Value::Object(told(&team.await?)))
}

/// Notes at the user and in a membership what a team says of a member.
async fn join(
    db: &llmux_db::Database,
    team: &str,
    member: &TeamMember,
    terms: Fields,
    by: &str,
) -> Result<()> {
    let Some(user) = member.user_id.as_deref() else { return Ok(()) };
    let added = db.update::<User>(user, |user| {
        if !user.teams.iter().any(|known| known == team) {
            user.teams.push(team.to_owned());
        }
        Ok(())
    });
    match added.await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut fields = Fields::default();
            fields.set("user_id", user);
            fields.set("user_email", member.user_email.clone());
            fields.set("teams", vec![team]);
            db.insert::<User>(&fields.make(by)?).await?;
        }
        done => _ = done?,
    }
    let id = format!("{team}\n{user}");
    if db.get::<Membership>(&id).await?.is_none() {
        db.insert(&Membership::new(team, user)).await?;
    }
    let by = by.to_owned();
    db.update::<Membership>(&id, move |membership| terms.change(membership, &by)).await.map(drop)
}

async fn leave(db: &llmux_db::Database, team: &str, user: &str, by: &str) -> Result<()> {
    db.remove::<Membership>(&format!("{team}\n{user}"), Some(by)).await?;
    let removed = db.update::<User>(user, |user| {
        user.teams.retain(|known| known != team);
        Ok(())
    });
    match removed.await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a request says of a membership, in the fields of one.
fn terms(fields: &mut Fields) -> Fields {
    let mut terms = Fields::default();
    for (name, kept) in [
        ("max_budget_in_team", "max_budget"),
        ("budget_duration", "budget_duration"),
        ("allowed_models", "allowed_models"),
        ("tpm_limit", "tpm_limit"),
        ("rpm_limit", "rpm_limit"),
    ] {
        if let Some(value) = fields.take(name) {
            terms.set(kept, value);
        }
    }
    terms
}

async fn member_add(mut work: Work<'_>) -> Result<Value> {
    let id = work.fields.need_text("team_id")?;
    work.who.may_change(work.db, None, Some(&id)).await?;
    let given = match work.fields.take("member") {
        Some(Value::Array(members)) => members,
        Some(member) => vec![member],
        None => return Err(wrong("`member` is required", "member")),
    };
    let mut members = Vec::new();
    for member in given {
        let member: TeamMember =
            serde_json::from_value(member).map_err(|error| wrong(&error.to_string(), "member"))?;
        members.push(resolved(work.db, member).await?);
    }
    let users = serde_json::to_value(&members).unwrap_or_default();
    let added = members.clone();
    let team = work.db.update::<Team>(&id, move |team| {
        for member in added {
            team.members_with_roles.retain(|known| known.user_id != member.user_id);
            team.members_with_roles.push(member);
        }
        Ok(())
    });
    let team = team.await?;
    let (mut memberships, wanted) = (Vec::new(), terms(&mut work.fields));
    for member in &members {
        join(work.db, &id, member, wanted.clone(), work.who.name()).await?;
        let user = member.user_id.clone().unwrap_or_default();
        memberships.extend(work.db.get::<Membership>(&format!("{id}\n{user}")).await?);
    }
    let mut answer = told(&team);
    answer.insert("updated_users".to_owned(), users);
    answer.insert("updated_team_memberships".to_owned(), all(&memberships));
    Ok(Value::Object(answer))
}

/// A member with a user's id: the one with the address, where only that is given, or a new one.
async fn resolved(db: &llmux_db::Database, mut member: TeamMember) -> Result<TeamMember> {
    if member.user_id.is_none() {
        let mut filter = Filter::new();
        filter.alias = Some(
            member
                .user_email
                .clone()
                .ok_or_else(|| wrong("`user_id` or `user_email` is required", "member"))?,
        );
        let known = db.list::<User>(&filter).await?.items.into_iter().next().map(|user| user.user_id);
        member.user_id = Some(known.unwrap_or_else(|| RequestId::new().as_str().to_owned()));
    }
    Ok(member)
}

async fn member_update(mut work: Work<'_>) -> Result<Value> {
    let (id, user) = (work.fields.need_text("team_id")?, work.fields.need_text("user_id")?);
    work.who.may_change(work.db, None, Some(&id)).await?;
    let role = work.fields.take("role").map(serde_json::from_value).transpose();
    let role = role.map_err(|_| wrong("`role` must be admin or user", "role"))?;
    let wanted = terms(&mut work.fields);
    let named = user.clone();
    let team = work.db.update::<Team>(&id, move |team| {
        let known =
            team.members_with_roles.iter_mut().find(|member| member.user_id.as_deref() == Some(&named));
        let member = known.ok_or_else(|| missing("Team member", "user_id"))?;
        member.role = role.unwrap_or(member.role);
        Ok(())
    });
    let team = team.await?;
    let member = team.member(&user).cloned().unwrap_or_default();
    join(work.db, &id, &member, wanted, work.who.name()).await?;
    let membership = work.db.get::<Membership>(&format!("{id}\n{user}")).await?.unwrap_or_default();
    let mut answer = shown(&membership);
    answer.insert("max_budget_in_team".to_owned(), answer.get("max_budget").cloned().unwrap_or_default());
    answer.insert("role".to_owned(), serde_json::to_value(member.role).unwrap_or_default());
    Ok(Value::Object(answer))
}

async fn member_delete(mut work: Work<'_>) -> Result<Value> {
    let id = work.fields.need_text("team_id")?;
    work.who.may_change(work.db, None, Some(&id)).await?;
    let mut member = TeamMember::default();
    member.user_id = work.fields.take_text("user_id")?;
    member.user_email = work.fields.take_text("user_email")?;
    let user = resolved(work.db, member).await?.user_id.unwrap_or_default();
    let named = user.clone();
    let team = work.db.update::<Team>(&id, move |team| {
        let before = team.members_with_roles.len();
        team.members_with_roles.retain(|member| member.user_id.as_deref() != Some(&named));
        if team.members_with_roles.len() == before { Err(missing("Team member", "user_id")) } else { Ok(()) }
    });
    let team = team.await?;
    // Whoever has left asks for nothing more in the team's name.
    let mut keys = Filter::new();
    (keys.team, keys.user) = (Some(id.clone()), Some(user.clone()));
    for key in work.db.list::<VirtualKey>(&keys).await?.items {
        work.db.remove::<VirtualKey>(&key.hash.to_string(), Some(work.who.name())).await?;
    }
    leave(work.db, &id, &user, work.who.name()).await?;
    Ok(Value::Object(told(&team)))
}

async fn info(mut work: Work<'_>) -> Result<Value> {
    let id = work.fields.need_text("team_id")?;
    work.who.may_see(work.db, None, Some(&id)).await?;
    let team: Team = work.db.get(&id).await?.ok_or_else(|| missing("Team", "team_id"))?;
    let mut filter = Filter::new();
    filter.team = Some(id.clone());
    let memberships = work.db.list::<Membership>(&filter).await?;
    filter.limit = Some(keys::MOST_SHOWN);
    let keys = work.db.list::<VirtualKey>(&filter).await?;
    Ok(json!({
        "team_id": id,
        "team_info": told(&team),
        "keys": all(&keys.items),
        "team_memberships": all(&memberships.items),
    }))
}

async fn list(mut work: Work<'_>) -> Result<Value> {
    let mut filter = Filter::new();
    filter.organization = work.fields.take_text("organization_id")?;
    let user = work.fields.take_text("user_id")?;
    let user = if work.who.sees_all() {
        user
    } else {
        Some(work.who.me().ok_or_else(|| denied("this key belongs to no user"))?.to_owned())
    };
    let teams = match user {
        None => work.db.list::<Team>(&filter).await?.items,
        Some(user) => {
            let mut teams = Vec::new();
            for id in work.db.get::<User>(&user).await?.map(|user| user.teams).unwrap_or_default() {
                teams.extend(work.db.get::<Team>(&id).await?);
            }
            teams
        }
    };
    Ok(teams.iter().map(|team| Value::Object(told(team))).collect())
}
