#!/usr/bin/env node
// Starts the command line. Any Node can read this file: it is ES5, and asks for nothing newer before it has found the version
// good. `require` takes the ES module behind `#cli` in every Node that passes.
/* oxlint-disable no-var, typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call -- ES5 */
'use strict';

var needed = require('../package.json').engines.node.replace('>=', '');
var words = process.argv.slice(2);

if (isOld(process.versions.node.split('.'), needed.split('.'))) {
  console.error('homing needs Node ' + needed + ' or later, this is ' + process.versions.node + '.');
  console.error('For once: npx -p node@24 -p homing homing ' + words.join(' '));
  console.error('For good: nvm install 24, or https://nodejs.org/en/download');
  process.exitCode = 1;
} else {
  require('#cli').start(words);
}

function isOld(found, least) {
  var major = parseInt(found[0], 10) - parseInt(least[0], 10);
  return major < 0 || (major === 0 && parseInt(found[1], 10) < parseInt(least[1], 10));
}
