/**
 * A door with TLS: who shows a certificate of our authority is known by it, everybody else needs a token. Arguments: a folder
 * with ca.crt, localhost.key and localhost.crt (this one), the port (4650). Certificates to try it with:
 *
 *     new='openssl req -x509 -nodes -days 30 -newkey ec -pkeyopt ec_paramgen_curve:P-256'
 *     $new -keyout ca.key -out ca.crt -subj '/CN=our authority'
 *     for name in localhost ada; do
 *       $new -CA ca.crt -CAkey ca.key -keyout $name.key -out $name.crt -subj /CN=$name -addext subjectAltName=DNS:$name
 *     done
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PeerCertificate } from 'node:tls';
import { createServer } from 'homing';
import type { Vault } from './contract.ts';

const [folder = '.', port = '4650'] = process.argv.slice(2);
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
/** Users by the hash of their token; ben's token is "sesame". */
const users = new Map([[hash('sha256', 'sesame'), 'ben']]);

const server = createServer<Vault>({
  authenticate({ token }, { certificate }) {
    const shown = certificate as PeerCertificate | undefined; // TLS has verified it
    if (shown !== undefined) return { id: String(shown.subject.CN), proof: 'certificate' };
    const id = users.get(hash('sha256', token));
    if (id === undefined) throw new Error('expected a certificate of our authority or a token that we know');
    return { id, proof: 'token' };
  },
  start(session) {
    const { id, proof } = session.identity;
    console.log(`${id} came in by ${proof}`);
    session.on('knock', () => void session.send('answer', `hello ${id}`));
  },
});
const key = read('localhost.key');
const cert = read('localhost.crt');
const tls = { key, cert, ca: read('ca.crt'), requestCert: true, rejectUnauthorized: false };
const address = await server.listen({ port: Number(port), tls });
console.log(`listening at ${address.port}`);
