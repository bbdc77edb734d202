//! Who may do what, in one table. It knows nothing of four eyes: that two acts need two people is a rule of the store.

use thiserror::Error;

use super::principal::{Principal, Role, Scope};

/// Everything that can be asked of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Upload, replace or withdraw a wage sheet and submit the batch.
    PrepareBatch,
    /// Follow a batch: its figures and instructions, no people.
    FollowBatch,
    /// See a batch's rows (masked) and what failed of them.
    ReadBatch,
    /// Review a batch that a clerk prepared, before it may be released.
    ReviewBatch,
    /// Release a reviewed batch to the bank, or refuse it.
    ApproveBatch,
    /// See and change special accounts and card bindings.
    ManageAccounts,
    /// Work failed and returned wages: corrected card, re-issue.
    WorkFailures,
    /// Give one of the two voices on an outcome in doubt or in suspense.
    DecideDoubt,
    /// See a name, card or ID number in clear; always recorded.
    RevealPerson,
    /// Indicators, ranking and bulletins.
    ReadIndicators,
    /// Hold and release sending, health, metrics, backup, audit check.
    Operate,
    /// Read the audit log.
    ReadAudit,
    /// Hand in results, refunds and deposits.
    PushReturns,
    /// Import regions and projects.
    ImportRegister,
    /// Import a project's workers with their presence and cards.
    ImportRoster,
    /// See a project's workers (masked), their presence and their cards.
    ReadRoster,
    /// See projects with their special accounts' numbers.
    ReadProjects,
    /// See what special accounts hold and have reserved.
    ReadAccounts,
    /// Export every attempt with its outcome, without people, for an outside audit.
    ExportOutcomes,
    /// See what banks said that matched nothing.
    ReadSuspense,
    /// See, admit, suspend and revoke principals and certificates.
    ManagePrincipals,
    /// Subscribe to events, see their deliveries and have them sent again.
    ManageWebhooks,
    /// Read the description of the API.
    ReadContract,
    /// Ask whether the gateway is well.
    AskHealth,
}

/// What the action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The gateway itself.
    Gateway,
    /// One project, in the region with this GB/T 2260 code.
    Project { code: &'a str, region: &'a str },
    /// A region by its GB/T 2260 code or a prefix of it.
    Region(&'a str),
    /// One bank by its code.
    Bank(&'a str),
}

/// Why not.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Denied {
    /// The role never does this.
    #[error("this role may not do this")]
    Role,
    /// The role does this, but not here.
    #[error("this lies outside the caller's projects, region or bank")]
    Scope,
}

impl Principal {
    /// Says whether this principal's role ever does `action`; where, is for [`Self::may`].
    ///
    /// # Errors
    /// The role stands against it.
    pub fn ever_may(&self, action: Action) -> Result<(), Denied> {
        if roles(action).contains(&self.role) {
            Ok(())
        } else {
            Err(Denied::Role)
        }
    }

    /// Says whether this principal may do `action` to `target`.
    ///
    /// # Errors
    /// Whether the role or the scope stands against it.
    pub fn may(&self, action: Action, target: Target<'_>) -> Result<(), Denied> {
        self.ever_may(action)?;
        if self.scope.covers(target) {
            Ok(())
        } else {
            Err(Denied::Scope)
        }
    }
}

#[rustfmt::skip]
fn roles(action: Action) -> &'static [Role] {
    use Role::{Approver, Bank, Clerk, Finance, Operator, Reviewer, Supervisor};
    match action {
        Action::PrepareBatch     => &[Clerk],
        Action::FollowBatch      => &[Operator, Clerk, Reviewer, Approver, Finance, Supervisor],
        Action::ReadBatch        => &[Clerk, Reviewer, Approver, Finance, Supervisor],
        Action::ReviewBatch      => &[Reviewer],
        Action::ApproveBatch     => &[Approver],
        Action::ManageAccounts   => &[Finance],
        Action::WorkFailures     => &[Finance],
        Action::DecideDoubt      => &[Approver, Finance],
        Action::RevealPerson     => &[Clerk, Reviewer, Approver, Finance],
        Action::ReadIndicators   => &[Approver, Finance, Supervisor],
        Action::Operate          => &[Operator],
        Action::ReadAudit        => &[Operator],
        Action::PushReturns      => &[Bank],
        Action::ImportRegister   => &[Operator],
        Action::ImportRoster     => &[Operator, Clerk, Reviewer],
        Action::ReadRoster       => &[Clerk, Reviewer, Approver, Finance, Supervisor],
        Action::ReadProjects     => &[Operator, Clerk, Reviewer, Approver, Finance, Supervisor],
        Action::ReadAccounts     => &[Operator, Approver, Finance, Supervisor],
        Action::ExportOutcomes   => &[Operator, Finance],
        Action::ReadSuspense     => &[Operator],
        Action::ManagePrincipals => &[Operator],
        Action::ManageWebhooks   => &[Operator, Finance, Supervisor],
        Action::ReadContract     => &[Operator, Clerk, Reviewer, Approver, Finance, Supervisor, Bank],
        Action::AskHealth        => &[Operator, Clerk, Reviewer, Approver, Finance, Supervisor, Bank],
    }
}

impl Scope {
    /// True when all of `target` lies inside this scope.
    pub fn covers(&self, target: Target<'_>) -> bool {
        match (self, target) {
            (Self::All, _) => true,
            (Self::Projects(mine), Target::Project { code, .. }) => mine.contains(code),
            (Self::Region(prefix), Target::Project { region, .. } | Target::Region(region)) => {
                region.starts_with(prefix.as_str())
            }
            (Self::Bank(mine), Target::Bank(code)) => mine == code,
            (Self::Projects(_), Target::Gateway | Target::Region(_) | Target::Bank(_))
            | (Self::Region(_), Target::Gateway | Target::Bank(_))
            | (Self::Bank(_), Target::Gateway | Target::Region(_) | Target::Project { .. }) => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 7] = [
        Role::Operator,
        Role::Clerk,
        Role::Reviewer,
        Role::Approver,
        Role::Finance,
        Role::Supervisor,
        Role::Bank,
    ];
    const HERE: Target<'_> = Target::Project {
        code: "P1",
        region: "530112",
    };

    fn somebody(role: Role) -> Principal {
        let scope = match role {
            Role::Operator => Scope::All,
            Role::Clerk | Role::Reviewer | Role::Approver | Role::Finance => {
                Scope::Projects(["P1".to_owned()].into())
            }
            Role::Supervisor => Scope::Region("5301".into()),
            Role::Bank => Scope::Bank("qingshan".into()),
        };
        Principal {
            name: "wagegate://user/x".into(),
            role,
            scope,
        }
    }

    /// One letter a role, in the order of `ROLES`: `y` may, `r` not with this role, `s` not in this scope.
    #[test]
    fn the_table_of_roles_actions_and_scopes() {
        let elsewhere = Target::Project {
            code: "P2",
            region: "530300",
        };
        for (action, target, expected) in [
            (Action::PrepareBatch, HERE, "ryrrrrr"),
            (Action::PrepareBatch, elsewhere, "rsrrrrr"),
            (Action::FollowBatch, HERE, "yyyyyyr"),
            (Action::FollowBatch, elsewhere, "ysssssr"),
            (Action::ReadBatch, HERE, "ryyyyyr"),
            (Action::ReadBatch, elsewhere, "rsssssr"),
            (Action::ReviewBatch, HERE, "rryrrrr"),
            (Action::ReviewBatch, elsewhere, "rrsrrrr"),
            (Action::ImportRoster, HERE, "yyyrrrr"),
            (Action::ImportRoster, elsewhere, "yssrrrr"),
            (Action::ReadRoster, HERE, "ryyyyyr"),
            (Action::ReadRoster, elsewhere, "rsssssr"),
            (Action::ManagePrincipals, Target::Gateway, "yrrrrrr"),
            (Action::ManageWebhooks, HERE, "yrrryyr"),
            (Action::ApproveBatch, HERE, "rrryrrr"),
            (Action::ApproveBatch, elsewhere, "rrrsrrr"),
            (Action::ManageAccounts, HERE, "rrrryrr"),
            (Action::WorkFailures, HERE, "rrrryrr"),
            (Action::WorkFailures, elsewhere, "rrrrsrr"),
            (Action::DecideDoubt, HERE, "rrryyrr"),
            (Action::RevealPerson, HERE, "ryyyyrr"),
            (Action::ReadIndicators, HERE, "rrryyyr"),
            (Action::ReadIndicators, Target::Region("530112"), "rrrssyr"),
            (Action::ReadIndicators, Target::Region("5301"), "rrrssyr"),
            (Action::ReadIndicators, Target::Region("53"), "rrrsssr"),
            (Action::Operate, Target::Gateway, "yrrrrrr"),
            (Action::ReadAudit, Target::Gateway, "yrrrrrr"),
            (Action::PushReturns, Target::Bank("qingshan"), "rrrrrry"),
            (Action::PushReturns, Target::Bank("bishui"), "rrrrrrs"),
            (Action::PushReturns, HERE, "rrrrrrs"),
            (Action::ImportRegister, Target::Gateway, "yrrrrrr"),
            (Action::ReadProjects, HERE, "yyyyyyr"),
            (Action::ReadProjects, elsewhere, "ysssssr"),
            (Action::ReadAccounts, HERE, "yrryyyr"),
            (Action::ReadAccounts, elsewhere, "yrrsssr"),
            (Action::ExportOutcomes, HERE, "yrrryrr"),
            (Action::ExportOutcomes, elsewhere, "yrrrsrr"),
            (Action::ReadSuspense, Target::Gateway, "yrrrrrr"),
            (Action::AskHealth, Target::Gateway, "yssssss"),
        ] {
            let found: String = ROLES
                .iter()
                .map(|role| letter(somebody(*role).may(action, target)))
                .collect();
            assert_eq!(found, expected, "{action:?} {target:?}");
        }
    }

    #[test]
    fn everybody_known_may_ask_whether_the_gateway_is_well_and_nobody_else_does_the_banks_work() {
        for role in ROLES {
            assert_eq!(somebody(role).ever_may(Action::AskHealth), Ok(()));
            assert_eq!(
                somebody(role).ever_may(Action::PushReturns).is_ok(),
                role == Role::Bank
            );
        }
    }

    fn letter(answer: Result<(), Denied>) -> char {
        match answer {
            Ok(()) => 'y',
            Err(Denied::Role) => 'r',
            Err(Denied::Scope) => 's',
        }
    }
}
