"""From syntax trees to the checked IR: names resolved, types settled, laws of the language held."""
