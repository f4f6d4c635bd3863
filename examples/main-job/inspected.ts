/** The inspector of one process of the main job. */
import { type Inspector, openInspector } from 'homing/inspect';

/** Opens one whose viewers may cut connections; undefined for the port 0, or none. */
export async function inspectorAt(port = '0'): Promise<Inspector | undefined> {
  return port === '0' ? undefined : openInspector({ port: Number(port), mayCut: true });
}
