/** An entry that ends its thread while it is loaded. */
process.exit(0);
