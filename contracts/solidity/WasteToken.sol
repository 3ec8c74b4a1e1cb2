// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Governed} from "./Governed.sol";
import {Registry} from "./Registry.sol";

/// @title WasteToken: earned with a waste bank's signed receipt, one token a kilogram, redeemed for vouchers
contract WasteToken is ERC20, EIP712, Governed {
    bytes32 public constant RECEIPT = keccak256("Receipt(address person,uint32 kg,uint64 nonce,uint40 expiry)");
    uint256 public immutable dailyKg;
    uint256 public vouchers;
    mapping(bytes32 digest => bool) public used;
    mapping(address person => mapping(uint256 day => uint256)) public collectedKg;

    event Collected(address indexed person, uint32 kg, address indexed bank);
    event Redeemed(uint256 indexed voucher, address indexed person, uint256 tokens, string what);

    error Waste_ReceiptUsed(bytes32 digest);
    error Waste_ReceiptExpired(uint40 expiry);
    error Waste_ReceiptNotByBank(address signer);
    error Waste_DailyCap(uint256 left, uint32 kg);
    error Waste_NothingToDo();

    /// @param dailyKg_ the most that one person is credited a day
    constructor(Registry registry_, uint256 dailyKg_) ERC20("Waste token", "SAMPAH") EIP712("WasteToken", "1") Governed(registry_) {
        dailyKg = dailyKg_;
    }

    /// @notice Whole kilograms.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @notice Earn with a receipt that a waste bank (an operator) signed. Anyone may hand it in, once.
    function collect(address person, uint32 kg, uint64 nonce, uint40 expiry, bytes calldata signature) external running {
        if (kg == 0) revert Waste_NothingToDo();
        if (block.timestamp > expiry) revert Waste_ReceiptExpired(expiry);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(RECEIPT, person, kg, nonce, expiry)));
        if (used[digest]) revert Waste_ReceiptUsed(digest);
        address bank = ECDSA.recover(digest, signature);
        if (!registry.hasRole(registry.OPERATOR(), bank)) revert Waste_ReceiptNotByBank(bank);
        uint256 day = (block.timestamp + 7 hours) / 1 days;
        uint256 left = dailyKg - collectedKg[person][day];
        if (kg > left) revert Waste_DailyCap(left, kg);
        used[digest] = true;
        collectedKg[person][day] += kg;
        emit Collected(person, kg, bank);
        _mint(person, kg);
    }

    /// @notice Burn tokens for a numbered voucher.
    function redeem(uint256 tokens, string calldata what) external running returns (uint256 voucher) {
        if (tokens == 0) revert Waste_NothingToDo();
        _burn(msg.sender, tokens);
        voucher = ++vouchers;
        emit Redeemed(voucher, msg.sender, tokens, what);
    }
}
