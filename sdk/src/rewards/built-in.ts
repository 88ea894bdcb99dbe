import { aestheticReward } from './aesthetic';
import { digitsTextReward } from './digits';
import { jpegCompressibilityReward, jpegIncompressibilityReward } from './jpeg-size';
import { rednessReward } from './redness';
import { registerReward } from './reward-registry';
import { shapesExactReward, shapesReward } from './shapes';

registerReward('shapes', shapesReward);
registerReward('shapes_exact', shapesExactReward);
registerReward('jpeg_compressibility', jpegCompressibilityReward);
registerReward('jpeg_incompressibility', jpegIncompressibilityReward);
registerReward('redness', rednessReward);
registerReward('digits_text', digitsTextReward);
registerReward('aesthetic', aestheticReward);
