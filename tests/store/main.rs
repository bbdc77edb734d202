//! One suite for both engines: whatever the store promises, it keeps on SQLite and on PostgreSQL alike.
//!
//! A test is a function of a fresh [`engines::Bench`]; it runs only where it is listed below, and one that is not listed does not compile
//! without a warning. `engines` makes the databases, `world` the values that the tests speak of, and `bench` does with them what a test says in one word.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bench;
mod engines;
#[path = "../support/fresh_postgres.rs"]
mod fresh_postgres;
#[path = "../support/lists.rs"]
mod lists;
mod migrating;
mod suite;
mod world;

macro_rules! on_each_engine {
    ($($module:ident { $($test:ident,)+ })+) => {
        mod sqlite {
            $(mod $module { $(#[tokio::test] async fn $test() {
                crate::suite::$module::$test(crate::engines::sqlite().await).await;
            })+ })+
        }
        mod postgres {
            $(mod $module { $(#[tokio::test] async fn $test() {
                crate::suite::$module::$test(crate::engines::postgres().await).await;
            })+ })+
        }
    };
}

on_each_engine! {
    registry {
        what_is_imported_is_listed_and_renamed,
        the_same_import_again_changes_nothing_and_a_change_is_a_version,
        contractors_are_listed_in_pages_and_renamed,
        an_import_that_cannot_be_whole_changes_nothing,
        a_deposit_is_booked_once_and_its_reference_is_not_used_again,
    }
    identities {
        whom_the_configuration_names_is_admitted_once_and_then_the_store_rules,
        every_version_of_a_principal_is_kept_and_in_the_audit_log,
        a_name_is_given_once_and_nobody_unknown_is_changed,
        the_last_active_operator_cannot_be_suspended,
        two_operators_who_suspend_each_other_at_one_moment_are_not_both_heard,
        a_suspension_and_a_revocation_show_at_once_through_another_gateway,
        a_revocation_is_for_ever_and_a_history_is_never_changed,
        certificates_are_noted_and_listed_in_pages,
    }
    roster {
        a_roster_is_taken_and_the_same_again_changes_nothing,
        what_changed_is_a_new_version_with_who_and_when,
        a_roster_without_telephone_numbers_takes_none_away,
        a_roster_that_breaks_off_leaves_nothing,
        another_card_replaces_the_one_before_and_keeps_its_history,
        a_card_of_another_worker_is_refused_with_its_row,
        two_workers_may_change_cards_in_one_roster,
        a_roster_is_listed_in_pages_by_presence_and_card,
    }
    cards {
        a_failure_that_lies_in_the_card_makes_it_invalid_and_a_payment_verifies_it,
        a_failure_that_lies_elsewhere_says_nothing_of_the_card,
        a_word_on_the_whole_instruction_speaks_against_no_card,
        a_later_attempt_may_verify_a_card_again_and_an_earlier_payment_may_not,
        the_same_facts_in_any_order_leave_a_card_alike,
        naming_a_refused_card_again_does_not_mend_it,
        a_refused_card_is_verified_again_on_evidence_only,
        a_card_is_replaced_by_another_and_the_same_again_changes_nothing,
        who_is_on_a_site_of_others_keeps_name_and_verified_card,
        a_document_is_named_by_whom_it_was_kept_for,
    }
    intake {
        a_sheet_is_stored_whole_and_stands_held,
        a_source_that_fails_midway_leaves_nothing,
        a_sheet_given_up_midway_leaves_nothing,
        a_sheet_on_its_way_in_hides_nothing_and_shows_nothing,
        rows_that_do_not_add_up_to_their_head_leave_nothing,
        a_sheet_for_an_unknown_project_is_refused,
        a_second_wage_for_a_worker_is_refused_with_every_row_named,
        a_worker_twice_in_one_sheet_is_refused,
        a_rejected_sheet_gives_its_workers_back,
        people_are_kept_once_and_another_card_is_another_version,
    }
    standing {
        nobody_knows_a_worker_who_never_came,
        wages_of_this_month_and_the_last_are_found_wherever_they_are,
        a_rejected_sheet_leaves_no_wage_and_its_file_may_come_again,
        the_registry_says_who_is_on_site_with_which_name_and_card,
        a_card_that_a_bank_refused_stays_refused_until_its_next_word,
        an_account_of_another_worker_is_known_by_registry_and_by_wage,
        what_a_batch_was_taken_with_is_kept_and_audited,
        the_roster_comes_in_pages,
    }
    approval {
        a_release_reserves_the_funds_and_asks_for_a_plan,
        three_steps_need_three_people,
        the_database_itself_refuses_one_person_twice_and_a_step_left_out,
        a_word_on_other_content_is_refused,
        steps_are_taken_once_and_in_order,
        a_refusal_keeps_its_reason_and_owes_nobody,
        the_clerks_take_a_batch_back_before_its_release,
        a_release_is_taken_back_with_its_money_until_it_is_planned,
        a_batch_that_nobody_releases_expires_and_frees_its_workers,
        what_stands_behind_a_batch_is_kept_once_and_for_ever,
    }
    funds {
        an_account_that_holds_too_little_lets_the_release_wait,
        one_fen_too_little_still_waits_and_exactly_enough_does_not,
        the_older_release_is_paid_first_and_blocks_no_smaller_one,
        a_release_that_waits_is_taken_back_with_nothing_to_give_back,
        nobody_refuses_withdraws_or_lets_expire_what_waits_for_money,
        money_that_a_release_gives_back_goes_to_whoever_waits,
        wages_that_fail_or_come_back_pay_for_whoever_waits,
        what_differs_while_it_waits_frees_nobodys_money,
        the_database_itself_refuses_a_release_without_its_money,
        what_waits_for_money_is_owed_and_its_account_says_so,
        in_whatever_order_money_comes_no_more_is_reserved_than_is_there,
    }
    differing {
        a_split_into_other_parts_than_were_found_changes_nothing,
        a_batch_that_differs_is_held_with_its_money_until_it_is_refused,
        no_instruction_of_a_batch_that_differs_is_sent,
        a_part_that_never_left_is_not_sent_once_its_batch_is_held,
        a_changed_total_frees_no_other_batches_money,
        changes_are_told_against_the_last_released_month,
        rows_are_read_back_in_pages_as_they_came,
    }
    tasks {
        what_may_clear_doubt_is_taken_before_what_may_pay,
        a_task_is_held_by_one_worker_until_its_lease_runs_out,
        a_renewed_lease_lasts_longer,
        the_next_moment_of_work_counts_leases_too,
        a_task_that_is_there_keeps_its_time,
        a_late_worker_is_refused_whatever_it_writes,
        a_worker_that_gave_its_task_back_holds_it_no_more,
        a_new_task_never_passes_for_an_old_one,
        workers_at_the_same_moment_never_hold_the_same_task,
    }
    flow {
        a_bank_that_does_not_answer_is_left_alone_and_then_tried_by_one,
        so_many_tasks_call_a_bank_at_one_time_and_no_more,
        gateways_together_never_call_a_bank_more_often_than_it_takes,
        whoever_has_little_to_send_does_not_wait_behind_whoever_has_much,
        contractors_who_wait_together_are_served_alike,
        a_bank_that_comes_back_is_not_behind_those_that_never_went,
        a_task_that_fails_again_and_again_is_told_and_keeps_nobody_waiting,
        a_worker_that_does_not_come_back_counts_as_a_failure,
        figures_say_how_much_waits_and_for_how_long,
    }
    planning {
        rows_are_split_by_the_banks_limits,
        a_row_that_fits_no_instruction_stays_held,
        own_cards_travel_apart_where_the_bank_wants_it,
        a_plan_of_many_pages_seats_every_row_once,
        a_batch_that_is_not_released_is_not_planned,
        instructions_of_a_bank_that_is_closed_are_sent_when_it_opens,
        a_day_of_payment_moves_until_bytes_are_fixed,
    }
    talking {
        intent_fixes_the_bytes,
        intent_is_committed_once_for_one_send,
        a_sender_that_never_came_back_leaves_it_in_doubt,
        a_bank_without_a_record_is_remembered_from_the_first_time_on,
        an_accepted_instruction_is_asked_about_when_it_is_due,
        a_refusal_fails_every_payment_and_frees_the_funds,
        what_may_not_happen_changes_nothing,
    }
    documents {
        the_same_bytes_about_the_same_thing_are_kept_once,
        a_kept_answer_that_turns_out_to_be_a_document_is_read,
        a_broken_document_keeps_what_was_read_of_it,
        the_cursor_moves_with_its_claim,
    }
    matching {
        a_payment_is_found_by_any_exact_handle,
        what_is_not_exactly_one_payment_of_ours_goes_to_suspense,
        facts_of_another_bank_touch_nothing,
        nothing_is_taken_about_an_instruction_that_was_never_sent,
        a_whole_is_about_every_payment,
        a_rest_is_taken_when_number_and_sum_agree_and_parked_when_not,
    }
    facts {
        a_return_brings_the_money_back,
        a_contradiction_is_in_doubt_and_keeps_the_funds_reserved,
        a_report_proves_that_a_doubtful_instruction_arrived,
        sayings_already_recorded_are_passed_over,
        the_same_facts_in_any_order_and_in_any_chunks_come_to_the_same,
        what_the_bank_takes_beyond_the_account_shows_as_overdrawn,
    }
    lost {
        every_send_has_a_higher_number,
        a_database_behind_the_mark_commits_no_intent,
        what_a_lost_database_may_have_sent_waits_for_the_banks_word,
        what_is_planned_after_a_restore_is_asked_about_first,
        what_the_bank_has_and_told_of_before_is_read_again_when_it_is_found,
        the_banks_last_word_brings_the_same_bytes_back_to_be_sent,
    }
    doubts {
        what_arrived_is_accepted_and_asked_about,
        what_never_arrived_ends_and_goes_once_more_under_another_key,
        the_new_attempts_are_the_only_live_ones,
        what_a_lost_database_may_have_sent_is_decided_too,
        two_voices_of_two_people_say_the_same_about_the_same,
        the_database_itself_refuses_one_voice,
        a_decision_about_what_moved_on_is_refused_and_changes_nothing,
        a_proposal_is_about_the_sends_that_it_saw,
        nothing_goes_again_while_the_account_is_overdrawn,
        the_desk_is_paged_and_shows_each_their_own,
        what_was_decided_is_in_the_log_and_told,
    }
    late_words {
        a_payment_that_shows_late_stops_what_would_pay_again,
        any_word_of_the_bank_but_a_failure_stops_it,
        what_is_on_its_way_and_comes_back_is_held_too,
        the_banks_own_bytes_may_be_the_evidence,
    }
    reading {
        items_are_listed_by_batch_month_and_place_in_pages,
        an_item_shows_its_newest_attempt_or_that_it_has_none,
        every_attempt_is_listed_for_the_audit,
        the_rate_is_counted_for_project_county_and_prefecture,
        what_awaits_a_release_is_shown_beside_the_rates_and_not_in_them,
        a_month_without_batches_is_empty_and_another_shows_its_own,
        suspense_shows_where_a_saying_stands,
    }
    pages {
        projects_and_accounts_come_in_pages_of_a_scope,
        batches_come_in_pages_of_a_scope_newest_first,
        only_batches_with_unpaid_wages_are_on_the_failure_page,
        suspense_comes_in_pages_oldest_first,
    }
    requests {
        a_key_is_one_requests_until_it_is_answered,
        a_key_whose_request_died_is_taken_over_and_the_dead_ones_answer_is_not_kept,
        a_refused_request_gives_its_key_back,
        what_is_old_is_forgotten,
    }
    rotation {
        a_key_becomes_current_when_every_running_gateway_has_it,
        the_first_gateways_key_is_current_and_another_installation_shows,
        what_is_sealed_is_counted_and_walked_in_every_place,
        what_changed_meanwhile_is_not_overwritten,
        a_walk_that_ends_while_another_key_becomes_current_begins_anew,
    }
    auditing {
        a_broken_audit_chain_is_named_at_its_first_broken_entry,
        an_entry_written_anew_with_a_hash_that_fits_is_named,
        a_deleted_entry_is_named,
        two_swapped_entries_are_named,
        a_cut_tail_is_named_and_a_new_act_does_not_hide_it,
        a_head_that_was_edited_or_removed_is_named,
        a_cut_tail_under_an_edited_head_is_found_by_the_witness,
        ten_thousand_entries_are_whole,
        acts_come_in_pages_by_object_and_by_principal,
    }
    webhooks {
        what_happens_is_told_in_order_with_sums_and_without_people,
        what_is_not_done_is_not_told_and_a_shortage_is_told_once,
        each_sees_their_part_of_the_world_and_only_while_they_may,
        a_receiver_that_is_not_well_rests_and_what_waits_too_long_is_given_up,
        what_is_paused_waits_and_what_was_told_can_be_told_again,
        what_waits_while_paused_is_not_given_up,
        a_secret_that_was_changed_signs_beside_the_new_one_until_its_end,
        two_couriers_never_tell_twice,
    }
    keeping {
        a_second_live_attempt_is_refused_by_the_database,
        the_database_refuses_what_the_rules_forbid,
        the_audit_log_is_never_changed_or_cut,
        a_recount_finds_every_figure_that_was_tampered_with,
        what_was_stored_is_there_after_a_restart,
    }
}
