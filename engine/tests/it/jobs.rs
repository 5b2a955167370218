//! Jobs and plan groups are read back as they were written; old jobs are deleted.

use chrono::{NaiveDate, TimeDelta};
use mrrow_engine::jobs::{Job, JobState};
use mrrow_engine::plan_groups::{GroupDefinition, GroupKind, SelectorType};
use mrrow_engine::{Engine, Error};
use serde_json::json;
use tempfile::TempDir;

use crate::ledger::{Clock, config};

struct Place {
    engine: Engine,
    clock: Clock,
    _dir: TempDir,
}

async fn place() -> Place {
    let today: NaiveDate = "2024-03-01".parse().unwrap();
    let (_dir, clock) = (TempDir::new().unwrap(), Clock::on(today));
    let engine = Engine::open(config(_dir.path(), &clock)).await.unwrap();
    Place { engine, clock, _dir }
}

impl Place {
    fn job(&self, id: &str, kind: &str, data_source: &str, state: JobState) -> Job {
        let (created_at, updated_at) = (self.clock.now(), self.clock.now());
        let (id, kind, data_source) = (id.to_string(), kind.to_string(), data_source.to_string());
        Job {
            id,
            kind,
            data_source,
            state,
            detail: json!({"pages": 3, "error": null}),
            created_at,
            updated_at,
        }
    }

    async fn ids(&self, data_source: Option<&str>, kind: Option<&str>, limit: u32) -> Vec<String> {
        self.engine
            .jobs(data_source, kind, limit)
            .await
            .unwrap()
            .into_iter()
            .map(|job| job.id)
            .collect()
    }
}

#[tokio::test]
async fn job_is_read_as_it_was_last_saved() {
    let place = place().await;
    let job = place.job("j", "pull", "shop", JobState::Waiting);
    place.engine.save_job(&job).await.unwrap();
    assert_eq!(place.engine.job("j").await.unwrap(), Some(job.clone()));
    place.clock.advance(TimeDelta::seconds(1));
    let later =
        Job { state: JobState::Failed, detail: json!("why"), updated_at: place.clock.now(), ..job };
    place.engine.save_job(&later).await.unwrap();
    assert_eq!(place.engine.job("j").await.unwrap(), Some(later));
    assert_eq!(place.engine.job("k").await.unwrap(), None);
}

#[tokio::test]
async fn jobs_are_listed_newest_first_by_data_source_and_kind() {
    let place = place().await;
    for (id, kind, source) in [
        ("1", "pull", "shop"),
        ("2", "import", "shop"),
        ("3", "pull", "app"),
        ("4", "pull", "shop"),
    ] {
        place.engine.save_job(&place.job(id, kind, source, JobState::Done)).await.unwrap();
    }
    assert_eq!(place.ids(None, None, 10).await, ["4", "3", "2", "1"]);
    assert_eq!(place.ids(None, None, 2).await, ["4", "3"]);
    assert_eq!(place.ids(Some("shop"), None, 10).await, ["4", "2", "1"]);
    assert_eq!(place.ids(Some("shop"), Some("pull"), 1).await, ["4"]);
    assert_eq!(place.ids(None, Some("pull"), 10).await, ["4", "3", "1"]);
}

#[tokio::test]
async fn start_marks_running_jobs_as_interrupted() {
    let place = place().await;
    for state in JobState::ALL {
        place.engine.save_job(&place.job(state.as_str(), "pull", "shop", state)).await.unwrap();
    }
    place.clock.advance(TimeDelta::hours(1));
    assert_eq!(place.engine.interrupt_jobs().await.unwrap(), 2);
    for state in JobState::ALL {
        let job = place.engine.job(state.as_str()).await.unwrap().unwrap();
        assert_eq!(job.state, if state.is_over() { state } else { JobState::Interrupted });
        assert_eq!(job.updated_at == place.clock.now(), !state.is_over());
    }
}

#[tokio::test]
async fn old_jobs_are_deleted_except_the_newest_hundred_of_a_source_and_kind() {
    let place = place().await;
    for number in 0..103 {
        let state = if number == 0 { JobState::Running } else { JobState::Done };
        place
            .engine
            .save_job(&place.job(&number.to_string(), "pull", "shop", state))
            .await
            .unwrap();
    }
    place.engine.save_job(&place.job("other", "import", "shop", JobState::Done)).await.unwrap();
    place.clock.advance(TimeDelta::days(90));
    place
        .engine
        .save_job(&place.job("at-the-limit", "pull", "shop", JobState::Done))
        .await
        .unwrap();
    assert_eq!(place.ids(Some("shop"), None, 1000).await.len(), 105);
    place.clock.advance(TimeDelta::seconds(1));
    place.engine.save_job(&place.job("past-it", "pull", "shop", JobState::Done)).await.unwrap();
    let left = place.ids(Some("shop"), Some("pull"), 1000).await;
    // A running job is never deleted.
    assert_eq!(
        (left.len(), left.first().unwrap().as_str(), left.last().unwrap().as_str()),
        (101, "past-it", "0")
    );
    assert_eq!(place.ids(Some("shop"), Some("import"), 1000).await, ["other"]);
}

fn manual(name: &str, plans: &[&str]) -> GroupDefinition {
    let plans = plans.iter().map(|plan| plan.to_string()).collect();
    GroupDefinition { name: name.to_string(), plans, ..GroupDefinition::default() }
}

fn auto(name: &str, selector_type: SelectorType, selector: &str) -> GroupDefinition {
    let (selector_type, selector) = (Some(selector_type), Some(selector.to_string()));
    GroupDefinition { kind: GroupKind::Auto, selector_type, selector, ..manual(name, &[]) }
}

#[tokio::test]
async fn plan_group_is_created_changed_and_deleted() {
    let place = place().await;
    let engine = &place.engine;
    let made = engine
        .create_plan_group(manual("Pro", &["pro_y", "pro_m", "pro_y"]), [1; 16])
        .await
        .unwrap();
    assert_eq!(made.definition.plans, ["pro_y", "pro_m"]);
    assert!(made.takes("pro_m", "") && !made.takes("pro", "pro_m"));
    engine.put_plan_group("all", auto("All", SelectorType::Regex, "")).await.unwrap_err();
    let all = engine.put_plan_group("all", auto("All", SelectorType::Regex, "^p")).await.unwrap();
    assert!(all.takes("p", "x") && all.takes("x", "p") && !all.takes("x", "xp"));
    let changed =
        engine.put_plan_group(&made.id, auto("Pro", SelectorType::EndsWith, "_y")).await.unwrap();
    assert!(changed.changed_at > made.changed_at, "the clock stands still, versions do not");
    let found = engine.plan_group(&made.id).await.unwrap().unwrap();
    assert_eq!((&found.definition, found.changed_at), (&changed.definition, changed.changed_at));
    assert!(found.takes("basic_y", "") && !found.takes("pro_m", ""));
    let names = async || {
        let groups = engine.plan_groups().await.unwrap();
        groups.into_iter().map(|group| group.definition.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["All", "Pro"]);
    assert!(engine.delete_plan_group(&made.id).await.unwrap());
    assert!(!engine.delete_plan_group(&made.id).await.unwrap());
    assert!(engine.plan_group(&made.id).await.unwrap().is_none());
    assert_eq!(names().await, ["All"]);
    engine.put_plan_group(&made.id, manual("Back", &["p"])).await.unwrap();
    assert_eq!(names().await, ["All", "Back"]);
}

#[tokio::test]
async fn invalid_plan_group_is_refused() {
    let place = place().await;
    let no_selector = GroupDefinition { kind: GroupKind::Auto, ..manual("x", &["p"]) };
    let no_type = GroupDefinition { selector: Some("p".to_string()), ..no_selector.clone() };
    let broken = auto("x", SelectorType::Regex, "p(");
    for wrong in
        [manual("", &["p"]), manual("x", &[]), manual("x", &[""]), no_selector, no_type, broken]
    {
        let refused = place.engine.create_plan_group(wrong.clone(), [1; 16]).await;
        assert!(matches!(refused, Err(Error::Argument(_))), "{wrong:?}: {refused:?}");
    }
    assert!(place.engine.plan_groups().await.unwrap().is_empty());
    let told = serde_json::to_value(
        place.engine.put_plan_group("g", auto("G", SelectorType::StartsWith, "p")).await.unwrap(),
    );
    let expected = json!({"id": "g", "name": "G", "type": "auto", "plans": [],
        "selector_type": "startswith", "selector": "p",
                          "changed_at": "2024-03-01T10:00:00Z"});
    assert_eq!(told.unwrap(), expected);
}
