//! What the catalogue is asked.

use std::fmt;

use crate::label::closed_set;

closed_set! {
    /// What the catalogue is asked to do. Its meaning goes into errors: "cannot link a batch in the catalogue".
    Operation {
        AskLshIndex = "ask_lsh_index": "ask the LSH index";
        CancelJob = "cancel_job": "cancel a job";
        CancelTraining = "cancel_training": "cancel a training";
        CompleteJobs = "complete_jobs": "complete jobs";
        ComputeFigures = "compute_figures": "compute figures";
        CountJobs = "count_jobs": "count jobs";
        CountClusters = "count_clusters": "count the clusters";
        CountRepositories = "count_repositories": "count the repositories";
        CountWhatDeduplicationRemoved = "count_what_deduplication_removed": "count what deduplication removed";
        EmptyLshIndex = "empty_lsh_index": "empty the LSH index";
        EndSliceOfListing = "end_slice_of_listing": "end a slice of a listing";
        EndTraining = "end_training": "end a training";
        EnqueueJobs = "enqueue_jobs": "enqueue jobs";
        ExtendLease = "extend_lease": "extend a lease";
        FindBlobsOfSeveralLanguages = "find_blobs_of_several_languages": "find the blobs of several languages";
        FindFilesOfSomeBlobs = "find_files_of_some_blobs": "find the files of some blobs";
        ForgetErrors = "forget_errors": "forget errors";
        ForgetJobs = "forget_jobs": "forget jobs";
        ForgetUnusedContents = "forget_unused_contents": "forget unused contents";
        InsertIntoLshIndex = "insert_into_lsh_index": "insert into the LSH index";
        LeaseJobs = "lease_jobs": "lease jobs";
        LinkBatch = "link_batch": "link a batch";
        LinkBuild = "link_build": "link a build";
        ListLshIndex = "list_lsh_index": "list the LSH index";
        ListClusters = "list_clusters": "list the clusters";
        ListRepositories = "list_repositories": "list the repositories";
        LookAtLshIndex = "look_at_lsh_index": "look at the LSH index";
        LookUpRepository = "look_up_repository": "look up a repository";
        LookUpContents = "look_up_contents": "look up contents";
        MakeLshIndex = "make_lsh_index": "make the LSH index";
        MeasureLshIndex = "measure_lsh_index": "measure the LSH index";
        NoteFailedJob = "note_failed_job": "note a failed job";
        NoteRepositoryAsGone = "note_repository_as_gone": "note a repository as gone";
        NoteOptOut = "note_opt_out": "note an opt-out";
        NoteScores = "note_scores": "note scores";
        NoteForgeAnswers = "note_forge_answers": "note the forge's answers";
        NoteIndex = "note_index": "note the index";
        NoteProgressOfTraining = "note_progress_of_training": "note the progress of a training";
        OpenListing = "open_listing": "open a listing";
        PromoteModel = "promote_model": "promote a model";
        QueueJobsAgain = "queue_jobs_again": "queue jobs again";
        RankRepositories = "rank_repositories": "rank the repositories";
        ReadBuild = "read_build": "read a build";
        ReadCandidate = "read_candidate": "read a candidate";
        ReadCluster = "read_cluster": "read a cluster";
        ReadFileStory = "read_file_story": "read a file's story";
        ReadListing = "read_listing": "read a listing";
        ReadRepository = "read_repository": "read a repository";
        ReadStageState = "read_stage_state": "read a stage's state";
        ReadError = "read_error": "read an error";
        ReadExample = "read_example": "read an example";
        ReadComparisons = "read_comparisons": "read comparisons";
        ReadJobs = "read_jobs": "read jobs";
        ReadCandidatesOfBuild = "read_candidates_of_build": "read the candidates of a build";
        ReadCandidatesOfDeduplication = "read_candidates_of_deduplication": "read the candidates of deduplication";
        ReadClusters = "read_clusters": "read the clusters";
        ReadErrors = "read_errors": "read the errors";
        ReadFinishedRepositories = "read_finished_repositories": "read the finished repositories";
        ReadForges = "read_forges": "read the forges";
        ReadIdentity = "read_identity": "read the identity";
        ReadLatestBuild = "read_latest_build": "read the latest build";
        ReadModels = "read_models": "read the models";
        ReadNames = "read_names": "read the names";
        ReadOpenTraining = "read_open_training": "read the open training";
        ReadOptOuts = "read_opt_outs": "read the opt-outs";
        ReadRecipes = "read_recipes": "read the recipes";
        ReadRepositories = "read_repositories": "read the repositories";
        ReadSegments = "read_segments": "read the segments";
        ReadVersion = "read_version": "read the version";
        ReadTrainings = "read_trainings": "read trainings";
        ReadWhatIsDue = "read_what_is_due": "read what is due";
        ReadWhatWasLearned = "read_what_was_learned": "read what was learned";
        RecordCandidates = "record_candidates": "record candidates";
        RecordErrors = "record_errors": "record errors";
        RegisterModel = "register_model": "register a model";
        ReleaseJob = "release_job": "release a job";
        RememberComparisons = "remember_comparisons": "remember comparisons";
        RemoveModel = "remove_model": "remove a model";
        RemoveFromLshIndex = "remove_from_lsh_index": "remove from the LSH index";
        ReplaceDuplicates = "replace_duplicates": "replace the duplicates";
        SplitSliceOfListing = "split_slice_of_listing": "split a slice of a listing";
        StartTraining = "start_training": "start a training";
        StorePageOfListing = "store_page_of_listing": "store a page of a listing";
        StoreRepositories = "store_repositories": "store repositories";
        TakeLeasesBack = "take_leases_back": "take leases back";
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning())
    }
}
