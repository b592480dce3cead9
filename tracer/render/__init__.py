"""Reports to text. A renderer reads no files and knows no runs but those in its report."""
