// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Guarded} from "./Guarded.sol";
import {Registry} from "./Registry.sol";

/// @title Waste tokens: earned by receipts that a collector signed, capped a household and month, spent on vouchers.
contract WasteToken is ERC20, EIP712, Guarded {
    bytes32 private constant _RECEIPT =
        keccak256("Receipt(address household,uint256 amount,bytes32 number,uint256 expiry)");
    /// @notice Most tokens of a household in a period of thirty days.
    uint256 public immutable CAP;
    mapping(bytes32 number => bool) public used;
    mapping(address household => mapping(uint256 period => uint256)) public earned;
    uint256 public vouchers;

    error WasteReceiptUsed(bytes32 number);
    error WasteReceiptExpired(uint256 expiry);
    error WasteReceiptSigner(address signer);
    error WasteCap(uint256 left);
    error WasteZero();

    event Earned(address indexed household, uint256 amount, bytes32 indexed number, address indexed collector);
    event Redeemed(uint256 indexed voucher, address indexed household, uint256 amount, bytes32 prize);

    /// @param registry Roles. @param cap Most tokens of a household in thirty days.
    constructor(Registry registry, uint256 cap) ERC20("Token Sampah", "SAMPAH") EIP712("WasteToken", "1") Guarded(registry) {
        CAP = cap;
    }

    /// @notice Whole tokens.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @notice Earn what a collector's receipt says, once.
    function earn(address household, uint256 amount, bytes32 number, uint256 expiry, bytes calldata signature)
        external
        running
    {
        if (amount == 0) revert WasteZero();
        if (block.timestamp > expiry) revert WasteReceiptExpired(expiry);
        if (used[number]) revert WasteReceiptUsed(number);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(_RECEIPT, household, amount, number, expiry)));
        address signer = ECDSA.recoverCalldata(digest, signature);
        if (!REGISTRY.hasRole(REGISTRY.COLLECTOR(), signer)) revert WasteReceiptSigner(signer);
        uint256 period = block.timestamp / 30 days;
        uint256 left = CAP - earned[household][period];
        if (amount > left) revert WasteCap(left);
        used[number] = true;
        earned[household][period] += amount;
        emit Earned(household, amount, number, signer);
        _mint(household, amount);
    }

    /// @notice Spend tokens on a prize or discount.
    function redeem(uint256 amount, bytes32 prize) external running returns (uint256 voucher) {
        if (amount == 0) revert WasteZero();
        voucher = vouchers++;
        emit Redeemed(voucher, msg.sender, amount, prize);
        _burn(msg.sender, amount);
    }
}
