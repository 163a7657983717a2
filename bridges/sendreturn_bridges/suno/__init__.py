"""What is the same for every service that fronts Suno's models: versions, words, stems, and places in a clip."""
