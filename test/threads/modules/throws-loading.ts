/** An entry that cannot be loaded. */
throw new SyntaxError('this module never loads');
