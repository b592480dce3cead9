"""What other tools left on disk, read as runs: TensorBoard's log folders, graph files, SavedModels. No TensorFlow."""
