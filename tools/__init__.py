"""Programs that make what the repository keeps: the model street's layers and the pictures of the documents."""
