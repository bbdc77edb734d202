//! What an import of regions, contractors or projects comes to, and why projects may not be taken, decided purely.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use wagegate_domain::ids::Region;

use super::{Conflict, ContractorEntry, ProjectEntry, RegionEntry, Registered};

/// Why a project cannot be taken as it is stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFlaw {
    /// Project code.
    pub project: String,
    /// What stands against it.
    pub fault: ProjectFault,
}

/// What stands against a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectFault {
    /// Its region was never imported.
    UnknownRegion(Region),
    /// It has another special account, which never changes silently.
    OtherAccount,
    /// Its special account is another project's: there is one for each.
    AccountOfAnother(String),
    /// It comes twice in one import.
    Twice,
}

impl fmt::Display for ProjectFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let project = &self.project;
        match &self.fault {
            ProjectFault::UnknownRegion(region) => {
                write!(f, "project {project}: there is no region {region}")
            }
            ProjectFault::OtherAccount => write!(
                f,
                "project {project}: it is registered with another bank or special account"
            ),
            ProjectFault::AccountOfAnother(other) => write!(
                f,
                "project {project}: its special account is that of project {other}"
            ),
            ProjectFault::Twice => write!(f, "project {project}: it comes twice"),
        }
    }
}

/// How imported things compare with those that are known, by key.
fn compare<'a, E: PartialEq, K: Ord>(
    known: &'a [E],
    stated: &'a [E],
    key: impl Fn(&'a E) -> K,
) -> Registered {
    let known: BTreeMap<K, &E> = known.iter().map(|entry| (key(entry), entry)).collect();
    let stated: BTreeMap<K, &E> = stated.iter().map(|entry| (key(entry), entry)).collect();
    let mut registered = Registered::default();
    for (key, entry) in stated {
        match known.get(&key) {
            None => registered.new += 1,
            Some(known) if *known == entry => registered.same += 1,
            Some(_) => registered.changed += 1,
        }
    }
    registered
}

impl Registered {
    pub(super) fn of_regions(known: &[RegionEntry], stated: &[RegionEntry]) -> Self {
        compare(known, stated, |entry| entry.code)
    }

    pub(super) fn of_contractors(known: &[ContractorEntry], stated: &[ContractorEntry]) -> Self {
        compare(known, stated, |entry| entry.uscc.as_str())
    }

    pub(super) fn of_projects(known: &[ProjectEntry], stated: &[ProjectEntry]) -> Self {
        compare(known, stated, |entry| entry.code.as_str())
    }

    /// For the audit log.
    pub(super) fn detail(self, of: &str) -> String {
        let Self { new, changed, same } = self;
        if new + changed == 0 {
            return format!("nothing changed: {same} {of} stand as they were");
        }
        format!("{new} {of} new, {changed} changed, {same} the same")
    }
}

impl std::ops::AddAssign for Registered {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.changed += other.changed;
        self.same += other.same;
    }
}

/// Projects as they will stand: what the import says, and the aliases that are known where it names none.
pub(super) fn stated(
    known: &[ProjectEntry],
    regions: &[RegionEntry],
    projects: &[ProjectEntry],
) -> Result<Vec<ProjectEntry>, Conflict> {
    let flaws = flaws(known, regions, projects);
    if !flaws.is_empty() {
        return Err(Conflict::ProjectsRefused(flaws));
    }
    let known: HashMap<&str, &ProjectEntry> = known
        .iter()
        .map(|project| (project.code.as_str(), project))
        .collect();
    let stated = projects.iter().map(|project| {
        let mut project = project.clone();
        if let (true, Some(known)) = (project.aliases.is_empty(), known.get(&*project.code)) {
            project.aliases.clone_from(&known.aliases);
        }
        project.aliases.sort();
        project.aliases.dedup();
        project
    });
    Ok(stated.collect())
}

fn flaws(
    known: &[ProjectEntry],
    regions: &[RegionEntry],
    projects: &[ProjectEntry],
) -> Vec<ProjectFlaw> {
    let regions: HashSet<Region> = regions.iter().map(|region| region.code).collect();
    let kept: HashMap<&str, (&str, &str)> = known
        .iter()
        .map(|project| (project.code.as_str(), account(project)))
        .collect();
    let mut holders: HashMap<(&str, &str), &str> = known
        .iter()
        .map(|project| (account(project), project.code.as_str()))
        .collect();
    let mut seen = HashSet::new();
    let mut flaws = Vec::new();
    for project in projects {
        let mut flaw = |fault| {
            flaws.push(ProjectFlaw {
                project: project.code.clone(),
                fault,
            });
        };
        if !seen.insert(project.code.as_str()) {
            flaw(ProjectFault::Twice);
            continue;
        }
        if !regions.contains(&project.region) {
            flaw(ProjectFault::UnknownRegion(project.region));
        }
        if kept
            .get(&*project.code)
            .is_some_and(|kept| *kept != account(project))
        {
            flaw(ProjectFault::OtherAccount);
            continue;
        }
        let holder = *holders.entry(account(project)).or_insert(&project.code);
        if holder != project.code {
            flaw(ProjectFault::AccountOfAnother(holder.to_owned()));
        }
    }
    flaws
}

fn account(project: &ProjectEntry) -> (&str, &str) {
    (&project.bank, &project.account)
}
