//! Guards that can be switched off, one at a time, to prove that the simulation finds out. Without the feature `sabotage`, with which nothing that
//! runs for anybody is built, no switch can be turned and all of this compiles to nothing.

macro_rules! switches {
    ($($(#[$doc:meta])* $switch:ident $code:literal,)+) => {
        /// What can be broken on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Switch { $($(#[$doc])* $switch,)+ }

        impl Switch {
            /// Every switch.
            pub const ALL: &[Self] = &[$(Self::$switch,)+];

            /// Its name on the command line and in reports.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$switch => $code,)+ }
            }
        }
    };
}

switches! {
    /// Bytes leave before the intent is committed.
    SendBeforeIntent "send_before_intent",
    /// Each send has a key of its own.
    NewKeyPerSend "new_key_per_send",
    /// A worker whose task another has taken goes on writing.
    NoFencing "no_fencing",
    /// A code that no table holds means that the wage failed.
    UnknownIsFailed "unknown_code_is_failed",
    /// No answer means that nothing left: it is sent again without asking.
    SilenceIsNothingLeft "resend_without_query",
    /// A bank that has no record yet has refused.
    NotKnownIsRefused "not_found_is_final_at_once",
    /// A bank that had it before has refused it.
    DuplicateIsRefused "duplicate_is_failure",
    /// An answer that proves nothing is a refusal.
    UnclearIsRefused "unclear_is_refused",
    /// Sums lose what is less than ten fen.
    RoundedSums "rounded_sums",
    /// What matches nothing is thrown away.
    UnmatchedDropped "drop_unmatched_fact",
    /// Taken means paid.
    AcceptedIsPaid "accepted_is_paid",
    /// The cursor moves before the document is written down.
    CursorBeforeDocument "cursor_before_document",
    /// What comes back changes nothing.
    ReturnIgnored "return_ignored",
    /// Half a document passes for a whole one.
    HalfIsWhole "half_document_is_whole",
    /// Another amount than the one instructed passes.
    AmountNotCompared "amount_not_compared",
    /// A release reserves nothing.
    NothingReserved "nothing_reserved",
    /// Of two words that contradict each other the last one stands.
    LastWordWins "last_word_wins",
    /// Nobody asks what became of an instruction.
    NobodyAsks "nobody_asks",
    /// A database that went back in time goes on as if nothing had been.
    RestoreNotNoticed "restore_not_noticed",
    /// The bank's first "no record of it" is its last word.
    FirstWordIsLast "first_word_is_last",
    /// What never arrived goes again even where a bank pays whatever comes.
    GoesAgainAnywhere "goes_again_anywhere",
    /// A body leaves however late.
    BodyAfterItsTime "body_after_its_time",
    /// A plan and its task are two commits, and no constraint keeps one key to one instruction.
    PlannedTwice "planned_twice",
}

#[cfg(feature = "sabotage")]
static TURNED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// Turns one switch on and all others off; `None` leaves every guard standing.
#[cfg(feature = "sabotage")]
pub fn turn(switch: Option<Switch>) {
    let bit = switch.map_or(0, |switch| 1 << (switch as u32));
    TURNED.store(bit, std::sync::atomic::Ordering::SeqCst);
}

/// Whether a switch is on.
#[cfg(feature = "sabotage")]
pub fn on(switch: Switch) -> bool {
    TURNED.load(std::sync::atomic::Ordering::Relaxed) & (1 << (switch as u32)) != 0
}

/// Never: every guard stands.
#[cfg(not(feature = "sabotage"))]
pub const fn on(_: Switch) -> bool {
    false
}
