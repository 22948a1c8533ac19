"""Programs that create files kept in the repository: the model street's layers and the pictures of the documents."""
