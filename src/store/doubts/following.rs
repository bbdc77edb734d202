//! What follows from "it never arrived", which both engines do in the same words.

use wagegate_domain::Fen;

use crate::store::{DoubtRefused, StoreError};

/// The document that two people decided on, as a raw document about the instruction.
pub(in crate::store) const KEEP_EVIDENCE: &str = "INSERT INTO raw_document (bank, origin, instruction_id, hash, size, at, state)
     VALUES ($1, 'decision', $2, $3, $4, $5, 'kept')
     ON CONFLICT (bank, hash, COALESCE(instruction_id, 0)) DO UPDATE SET size = excluded.size RETURNING id";

/// Every attempt of an instruction ($1) failed, as the document ($2) shows, for a reason ($3) in words ($4). The place in the document is behind
/// whatever a bank may have said with the same bytes.
pub(in crate::store) const FAILED_FACTS: &str = "INSERT INTO fact (instruction_id, sequence, raw_id, ordinal, verdict, reason, code_list, code, code_text)
     SELECT instruction_id, sequence, CAST($2 AS BIGINT), 9223372036854775807, 'failed', CAST($3 AS TEXT), 'decision', 'not_arrived', CAST($4 AS TEXT)
     FROM attempt WHERE instruction_id = $1";

/// The outcome of each ($1 to $3), at a moment ($4); the bank never spoke of any of them.
pub(in crate::store) const FAILED_OUTCOMES: &str = "INSERT INTO outcome (instruction_id, sequence, version, outcome, reason, raw_id, at)
     SELECT instruction_id, sequence, 1, 'failed', CAST($3 AS TEXT), CAST($2 AS BIGINT), CAST($4 AS BIGINT) FROM attempt WHERE instruction_id = $1";

/// The end of each ($1, $2), at a moment ($3).
pub(in crate::store) const DECIDED_ENDS: &str = "INSERT INTO attempt_end (batch_id, row_no, attempt_no, cause, raw_id, at)
     SELECT batch_id, row_no, attempt_no, 'decided', CAST($2 AS BIGINT), CAST($3 AS BIGINT) FROM attempt WHERE instruction_id = $1";

/// The same part once more: of an instruction ($1), under a key ($2), planned at a moment ($3) for a day ($4), asked about first since ($5).
pub(in crate::store) const NEW_GENERATION: &str = "INSERT INTO instruction (batch_id, part, generation, bank, bank_key, row_count, total_fen, state, planned_at, value_date,
       content, ask_first_since, held_since)
     SELECT batch_id, part, generation + 1, bank, CAST($2 AS TEXT), row_count, total_fen, 'planned', CAST($3 AS BIGINT), CAST($4 AS TEXT),
       content, CAST($5 AS BIGINT), held_since
     FROM instruction WHERE id = $1 RETURNING id";

/// The next attempt ($2) for every wage of an instruction ($1).
pub(in crate::store) const NEXT_ATTEMPTS: &str = "INSERT INTO attempt (instruction_id, sequence, batch_id, row_no, attempt_no, previous_no, amount_fen)
     SELECT CAST($2 AS BIGINT), sequence, batch_id, row_no, attempt_no + 1, attempt_no, amount_fen FROM attempt WHERE instruction_id = $1";

/// An instruction ($1) is held from a moment ($2) on.
pub(in crate::store) const HOLD: &str =
    "UPDATE instruction SET held_since = COALESCE(held_since, $2) WHERE id = $1";

/// Later instructions than this one ($1) for the same wages that the bank is not known to have, held from a moment ($2) on.
pub(in crate::store) const HOLD_LATER: &str = "UPDATE instruction SET held_since = COALESCE(held_since, $2)
     WHERE state IN ('planned', 'sending', 'in_doubt') AND id IN (
       SELECT l.id FROM instruction n JOIN instruction l ON l.batch_id = n.batch_id AND l.part = n.part AND l.generation > n.generation WHERE n.id = $1)
     RETURNING id, state";

/// What the account has free when this instruction's own reservation counts as free.
pub(in crate::store) fn covers(total: Fen, free: Fen) -> Result<(), StoreError> {
    let available = free
        .checked_add(total)
        .ok_or_else(|| StoreError::Broken("an account's figures pass 64 bits".into()))?;
    let short = total
        .checked_sub(available)
        .ok_or_else(|| StoreError::Broken("an account's figures pass 64 bits".into()))?;
    if short.is_positive() {
        return Err(DoubtRefused::Uncovered { short }.into());
    }
    Ok(())
}
