//! What the readers take and what they say of mistakes.
