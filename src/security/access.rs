//! Who may do what, in one table. It knows nothing of four eyes: that two acts need two people is a rule of the store.

use thiserror::Error;

use super::principal::{Principal, Role, Scope};

/// Makes the table of actions: each with its code and the roles that ever do it. An action cannot be added without saying whose it is.
macro_rules! actions {
    ($($(#[$doc:meta])+ $action:ident $code:literal [$($role:ident),+],)+) => {
        /// Everything that can be asked of the gateway.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])+ $action,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$action,)+];

            /// As it is shown.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$action => $code,)+
                }
            }

            /// The roles that ever do this; all others are refused.
            pub const fn roles(self) -> &'static [Role] {
                match self {
                    $(Self::$action => &[$(Role::$role),+],)+
                }
            }
        }
    };
}

actions! {
    /// Upload, replace or withdraw a wage sheet and submit the batch.
    PrepareBatch "prepare-batch" [Clerk],
    /// Follow a batch: its figures and instructions, no people.
    FollowBatch "follow-batch" [Operator, Clerk, Reviewer, Approver, Finance, Supervisor],
    /// See a batch's rows (masked) and what failed of them.
    ReadBatch "read-batch" [Clerk, Reviewer, Approver, Finance, Supervisor],
    /// Review a batch that a clerk prepared, before it may be released.
    ReviewBatch "review-batch" [Reviewer],
    /// Release a reviewed batch to the bank, and take the release back.
    ApproveBatch "approve-batch" [Approver],
    /// Refuse a batch before it is released.
    RefuseBatch "refuse-batch" [Reviewer, Approver],
    /// Look at the bytes that would go to the bank, people in clear; always recorded.
    PreviewBatch "preview-batch" [Reviewer, Approver],
    /// Put a document behind a batch, such as the table that the workers signed.
    AttachEvidence "attach-evidence" [Clerk, Reviewer, Approver],
    /// Look at a document behind a batch, which may name people; always recorded.
    ReadEvidence "read-evidence" [Clerk, Reviewer, Approver, Finance, Supervisor],
    /// See and change special accounts and card bindings.
    ManageAccounts "manage-accounts" [Finance],
    /// Work failed and returned wages: corrected card, re-issue.
    WorkFailures "work-failures" [Finance],
    /// See what needs two people: instructions in doubt, and wages of which a bank said both paid and failed.
    ReadDoubts "read-doubts" [Operator, Approver, Finance, Supervisor],
    /// Give one of the two voices on an instruction in doubt.
    DecideDoubt "decide-doubt" [Approver, Finance],
    /// See a name, card or ID number in clear; always recorded.
    RevealPerson "reveal-person" [Clerk, Reviewer, Approver, Finance],
    /// Indicators, ranking and bulletins.
    ReadIndicators "read-indicators" [Approver, Finance, Supervisor],
    /// Hold and release sending, health, metrics, backup, audit check.
    Operate "operate" [Operator],
    /// Read the audit log.
    ReadAudit "read-audit" [Operator],
    /// Hand in results, refunds and deposits.
    PushReturns "push-returns" [Bank],
    /// Import regions and projects.
    ImportRegister "import-register" [Operator],
    /// Import a project's workers with their presence and cards.
    ImportRoster "import-roster" [Operator, Clerk, Reviewer],
    /// See a project's workers (masked), their presence and their cards.
    ReadRoster "read-roster" [Clerk, Reviewer, Approver, Finance, Supervisor],
    /// Say how a worker's card stands, and register another one.
    ManageCards "manage-cards" [Clerk, Reviewer, Finance],
    /// Upload what shows something, to name its hash later.
    KeepEvidence "keep-evidence" [Clerk, Reviewer, Approver, Finance],
    /// See projects with their special accounts' numbers.
    ReadProjects "read-projects" [Operator, Clerk, Reviewer, Approver, Finance, Supervisor],
    /// See when a bank works: one's own, or one that pays one's projects.
    ReadCalendar "read-calendar" [Operator, Clerk, Reviewer, Approver, Finance, Supervisor, Bank],
    /// See what special accounts hold and have reserved.
    ReadAccounts "read-accounts" [Operator, Approver, Finance, Supervisor],
    /// Export every attempt with its outcome, without people, for an outside audit.
    ExportOutcomes "export-outcomes" [Operator, Finance],
    /// See what banks said that matched nothing.
    ReadSuspense "read-suspense" [Operator],
    /// See, admit, suspend and revoke principals and certificates.
    ManagePrincipals "manage-principals" [Operator],
    /// Subscribe to events, see their deliveries and have them sent again.
    ManageWebhooks "manage-webhooks" [Operator, Finance, Supervisor],
    /// Read the description of the API.
    ReadContract "read-contract" [Operator, Clerk, Reviewer, Approver, Finance, Supervisor, Bank],
    /// Ask whether the gateway is well.
    AskHealth "ask-health" [Operator, Clerk, Reviewer, Approver, Finance, Supervisor, Bank],
    /// Ask who one is and what one may do.
    KnowOneself "know-oneself" [Operator, Clerk, Reviewer, Approver, Finance, Supervisor, Bank],
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
    /// The role does this, but not here; what does not exist is refused in the same words, so that a refusal tells nothing.
    #[error("there is no such thing in the caller's projects, region or bank")]
    Scope,
    /// The caller sees it, but it is another's.
    #[error("only who made it, or an operator, may do this to it")]
    Owner,
}

impl Principal {
    /// Says whether this principal's role ever does `action`; where, is for [`Self::may`].
    ///
    /// # Errors
    /// The role stands against it.
    pub fn ever_may(&self, action: Action) -> Result<(), Denied> {
        if action.roles().contains(&self.role) {
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
    use std::collections::BTreeSet;

    use super::*;

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

    /// One letter a role, in the order of `Role::ALL`: `y` may, `r` not with this role, `s` not in this scope.
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
            (Action::ReadEvidence, HERE, "ryyyyyr"),
            (Action::ReadEvidence, elsewhere, "rsssssr"),
            (Action::ReviewBatch, HERE, "rryrrrr"),
            (Action::ReviewBatch, elsewhere, "rrsrrrr"),
            (Action::ImportRoster, HERE, "yyyrrrr"),
            (Action::ImportRoster, elsewhere, "yssrrrr"),
            (Action::ReadRoster, HERE, "ryyyyyr"),
            (Action::ReadRoster, elsewhere, "rsssssr"),
            (Action::ManageCards, HERE, "ryyryrr"),
            (Action::ManageCards, elsewhere, "rssrsrr"),
            (Action::KeepEvidence, HERE, "ryyyyrr"),
            (Action::ManagePrincipals, Target::Gateway, "yrrrrrr"),
            (Action::ManageWebhooks, HERE, "yrrryyr"),
            (Action::ApproveBatch, HERE, "rrryrrr"),
            (Action::ApproveBatch, elsewhere, "rrrsrrr"),
            (Action::ManageAccounts, HERE, "rrrryrr"),
            (Action::WorkFailures, HERE, "rrrryrr"),
            (Action::WorkFailures, elsewhere, "rrrrsrr"),
            (Action::DecideDoubt, HERE, "rrryyrr"),
            (Action::DecideDoubt, elsewhere, "rrrssrr"),
            (Action::ReadDoubts, HERE, "yrryyyr"),
            (Action::ReadDoubts, elsewhere, "yrrsssr"),
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
            let found: String = Role::ALL
                .iter()
                .map(|role| letter(somebody(*role).may(action, target)))
                .collect();
            assert_eq!(found, expected, "{action:?} {target:?}");
        }
    }

    #[test]
    fn every_action_has_a_code_of_its_own() {
        let codes: BTreeSet<_> = Action::ALL.iter().map(|action| action.code()).collect();
        assert_eq!(codes.len(), Action::ALL.len());
    }

    #[test]
    fn everybody_known_may_ask_whether_the_gateway_is_well_and_nobody_else_does_the_banks_work() {
        for role in Role::ALL {
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
            Err(Denied::Owner) => 'o',
        }
    }
}
