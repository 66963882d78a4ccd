"""What tests share: clients, real servers, databases."""
